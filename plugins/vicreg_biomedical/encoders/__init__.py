"""Encoders of multi-channel images."""
