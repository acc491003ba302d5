"""What the tools read: records in, prepared pages and the truth about their tables out.

Nothing here knows a tool, a clock or a result.
"""
