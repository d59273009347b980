"""Generated cells whose phenotype and plate effect are known."""
