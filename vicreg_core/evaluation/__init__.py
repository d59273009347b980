"""What a representation is worth: protocols, the floors beside them, and splits that do not leak."""
