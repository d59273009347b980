"""An example plugin for vicreg-suite: 1-D signals."""
