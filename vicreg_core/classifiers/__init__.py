"""Classifiers on fixed features, for probes and for predictions."""
