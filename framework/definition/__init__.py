"""The definition of a connector: a YAML file comes in, a typed model or findings come out.

`validation.validate` is the entry. The package knows no network and no dlt.
"""
