"""Figures of merit, their intervals, and how they are tabulated."""
