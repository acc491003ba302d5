"""The command line: one thin module per command, and the renderers of output."""
