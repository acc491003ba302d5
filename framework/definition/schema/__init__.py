"""JSON Schemas: of connector files, of records, and what is wrong with a file in their terms."""
