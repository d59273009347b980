"""What an honest person checks of data and labels before believing a score."""

FOLDER, SUMMARY, FORMAT = "audit", "audit.json", 1
"""Where it lies in a run, the file that the report reads, and its format."""
