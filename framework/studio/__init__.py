"""The studio: one local page to write, try and run connectors.

Requests of the page come in, JSON goes out. Everything stands on the engine that the commands use:
the language server's functions for the text, authoring, mock and load for jobs. Knows nothing of
the command line.
"""
