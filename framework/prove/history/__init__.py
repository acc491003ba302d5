"""An account at the API and what happens to it: its records, their cursors, and the truth."""
