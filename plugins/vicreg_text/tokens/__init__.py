"""From texts to memory-mapped token ids, and what is counted over them; knows no dataset."""
