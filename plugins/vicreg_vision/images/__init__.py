"""Encoded images: where they lie, what they have in common, and how they are decoded."""
