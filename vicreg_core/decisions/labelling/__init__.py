"""A page on this machine that shows samples one at a time and keeps the class that is given to each."""
