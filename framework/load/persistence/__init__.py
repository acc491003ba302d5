"""What survives a run: watermarks, load packages, load markers, and how the next run recovers."""
