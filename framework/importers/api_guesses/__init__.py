"""Guesses about an API, each with its confidence and reason, and the connector that they make.

Operations go in, whether a description or recorded requests told of them; resources come out.
Nothing here reads a file or sends a request.
"""
