"""Objectives that have weights of their own, or need more of a step than its embeddings."""
