"""Write and change files for people: connector files, record schemas, YAML, diffs, pages.

Takes plain data, records or a few facts about an API; gives text, or whole files.
"""
