"""The lists of records that the mock serves: of a recording, or invented; they may change."""
