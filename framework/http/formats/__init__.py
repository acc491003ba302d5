"""Bodies in their formats: what a response holds, decoded, and data as a body again."""
