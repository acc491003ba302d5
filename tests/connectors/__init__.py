"""The bundled connectors, each against a server that answers as its API's documentation says."""
