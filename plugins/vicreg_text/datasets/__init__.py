"""From a user's files to documents with labels, groups and ids."""
