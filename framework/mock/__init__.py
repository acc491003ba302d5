"""A mock of an API: a connector with its recording or schemas comes in, a server goes out.

It answers as the connector file says that the API does. It knows nothing of tables and runs.
"""
