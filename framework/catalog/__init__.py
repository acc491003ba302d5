"""Pages about connectors: a valid connector with its recording comes in, Markdown goes out.

A page is made of the files alone: the same files give the same page, on any machine and day. It
knows nothing of the command line, and no other package needs it.
"""
