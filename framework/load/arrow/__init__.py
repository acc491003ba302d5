"""The Arrow path: records whose types are declared or inferred become tables without dlt's
normalizer. Pages come in, a table for the resource and each list goes out. What does not fit is
left to dlt.
"""
