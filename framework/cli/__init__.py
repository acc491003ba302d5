"""The command line: one thin module a verb, and the renderers."""
