"""Descriptions of APIs (OpenAPI 3.0 and 3.1, Swagger 2.0) as connector files.

A description goes in; a connector file comes out, each guess with its reason as a comment. Nothing
here sends a request to the API that is described.
"""
