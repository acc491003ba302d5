"""Compare a connector file with the live API (`check`, `check --deep`).

Takes a connector and a few responses of each resource; gives proofs, and diffs that fix the file.
Loads nothing, and repeats no value of a record.
"""
