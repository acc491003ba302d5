"""Translate an Airbyte declarative manifest to a connector file with its schemas.

In: the path of a manifest. Out: an `ImportedConnector`, with a remark on every part that has no
counterpart. Runs nothing of the manifest: neither its Python nor its templates.
"""
