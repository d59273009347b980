"""Settings of a recipe chosen by trials, without labels unless asked."""
