"""For authors of plugins: the check of one, and the beginnings of a new one."""
