"""Translate Airbyte's components, one module a family; importing the package registers them all.

In: a `Component` of the manifest. Out: parts of a resource, with remarks on what has no
counterpart. Knows nothing of other streams, and nothing of the finished file.
"""

from importlib import import_module
from pkgutil import iter_modules

for _family in iter_modules(__path__):
    import_module(f"{__name__}.{_family.name}")
