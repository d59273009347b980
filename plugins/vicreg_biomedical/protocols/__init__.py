"""Evaluation protocols that know of plates and replicates."""
