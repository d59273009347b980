"""The page of a run: what it reached, how it trained, and what it learned to ignore."""
