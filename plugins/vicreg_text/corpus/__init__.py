"""From a user's files to memory-mapped token ids with labels, groups and ids."""
