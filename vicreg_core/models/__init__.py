"""Projector, joint embedding and batch norm over several processes."""
