"""Translate Airbyte's components, one module a family.

In: a `Component` of the manifest. Out: parts of a resource, with remarks on what has no
counterpart. Knows nothing of other streams, and nothing of the finished file.
"""
