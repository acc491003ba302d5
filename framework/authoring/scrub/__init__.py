"""Remove secrets and personal data from recorded exchanges, and put stable fake values in.

Takes raw exchanges, the connector and the run's config; gives exchanges and config that may be
written. Does not know the cassette's file format.
"""
