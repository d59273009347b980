"""Image encoders of the vision plugin."""
