"""Views of documents: spans of token ids, drawn for a whole batch at once."""
