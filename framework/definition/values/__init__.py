"""Plain values of a file: names, durations, times and JSON text."""
