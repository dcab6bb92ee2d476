"""A check and a format that do not exist: what a further one takes, a file each."""
