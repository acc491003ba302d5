"""One request comes in, one response goes out: auth, rate limit, retries, transport, decoding.

The package knows no lists and no pages.
"""
