"""Translate Jinja templates to JMESPath.

In: the text of a template and the variables that exist where it stands. Out: a `Template`, whose
terms are trees; `printer` alone writes them as JMESPath. Knows nothing of Airbyte's components.
"""
