"""From a run's vectors to decisions: which samples to label, a classifier from few labels, its answers."""
