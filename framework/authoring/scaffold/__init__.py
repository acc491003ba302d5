"""Files that are written for people: connectors, schemas, pages."""
