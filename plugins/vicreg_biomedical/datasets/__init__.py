"""Dataset adapters: crops, plates, and the readers beneath them."""
