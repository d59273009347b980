"""Images as microscopes write them, read into arrays of channels."""
