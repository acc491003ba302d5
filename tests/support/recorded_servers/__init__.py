"""Five servers that others wrote, with data whose truth is known; recorded as HAR files."""
