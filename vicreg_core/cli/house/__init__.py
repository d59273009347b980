"""Commands around runs: what a machine does with them, and data made ready for them."""
