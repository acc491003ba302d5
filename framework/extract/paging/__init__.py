"""The way from one page to the next, and what a response says of more pages."""
