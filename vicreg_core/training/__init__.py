"""The trainer and what surrounds it: checkpoints, monitor, launch."""
