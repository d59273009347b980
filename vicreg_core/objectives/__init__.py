"""Objectives: losses over the embeddings of the views."""
