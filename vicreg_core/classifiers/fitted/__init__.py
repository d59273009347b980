"""From a few labels to a classifier: methods, the choice among them, and how far it can be believed."""
