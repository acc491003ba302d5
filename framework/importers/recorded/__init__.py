"""Recorded requests (HAR, curl commands, Postman collections) as connector files.

Exchanges go in; out come a connector file, each guess with its reason as a comment, and for a HAR
the first cassette. No request is sent, and no credential is written.
"""
