"""The text plugin of vicreg-suite."""
