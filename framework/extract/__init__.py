"""A judged file turned into dlt: settings, client, plans, and the source that reads by them."""
