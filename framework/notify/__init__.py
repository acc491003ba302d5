"""Tell people that a run failed, by apprise: mail, chat, webhooks. No run imports it by itself."""
