"""Commands that run many runs of one recipe."""
