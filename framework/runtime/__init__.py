"""What every run has at hand: environment, settings, redaction, templates, threads."""
