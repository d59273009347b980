"""From samples to representations, with one encoder."""
