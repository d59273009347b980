"""From samples to views: keyed randomness, step plan, loader."""
