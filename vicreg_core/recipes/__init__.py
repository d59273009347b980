"""Recipes: the YAML files a run is made from."""
