"""Ask an API for what a new connector file needs: selector, key, paginator, incremental.

Takes URLs and secrets; gives resources with the reason of each guess, never a value of a record.
What was not proved is left out, with what is to be checked. Knows no terminal.
"""
