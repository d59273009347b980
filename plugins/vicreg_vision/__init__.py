"""The vision plugin of vicreg-suite."""
