"""A run as OpenTelemetry spans and metrics: its events come in, numbers and names go out.

No record, no path and no query string. No run imports it unless the OTEL_ variables say so.
"""
