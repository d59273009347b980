"""Evaluation protocols, one file each, as they are named on the command line."""
