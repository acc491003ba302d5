"""The fleet: many accounts and windows on an executor."""
