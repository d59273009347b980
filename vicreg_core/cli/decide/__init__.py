"""Commands of few labels: what to label, a classifier, its answers."""
