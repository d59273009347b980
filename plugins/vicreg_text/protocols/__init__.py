"""Evaluation protocols of documents."""
