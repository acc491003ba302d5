"""A language server for connector files: text being typed comes in, findings and help go out.

It speaks LSP over stdio, and stands on the same reader, schema and rules as `validate`. It sends no
request and writes no file. Needs the extra `[lsp]`.
"""
