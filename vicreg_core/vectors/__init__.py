"""Vectors of samples with what is known of them: made, projected to a plane, written to files."""
