"""One request, one response: session, transport, retry, rate limit, auth. Knows no lists."""
