"""What is scored: an encoder and its floors, as features of the same samples."""
