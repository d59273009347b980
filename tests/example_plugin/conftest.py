"""Lets these tests run from a checkout: pytest puts this file's folder, and so the package, on the path."""
