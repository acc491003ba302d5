"""Resume points: how far lists were read, and how a later run goes on from there."""
