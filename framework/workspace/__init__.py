"""A project's folder, for programs that work in it for somebody: the studio, tools for agents.

Names of files come in, texts without secrets go out. What is outside the folder is not read, and
credentials go only to the hosts that were known when the process started.
"""
