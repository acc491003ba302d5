"""Tools for agents: calls of the Model Context Protocol come in, answers with evidence go out.

An agent works in one project's folder. No answer holds a secret, and without leave nothing is
written.
"""
