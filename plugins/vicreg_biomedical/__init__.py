"""The biomedical plugin of vicreg-suite."""
