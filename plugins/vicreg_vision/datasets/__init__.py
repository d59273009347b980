"""Where images come from: the dataset adapters of the vision plugin."""
