"""From what the user has (inventory, model file, command line) to a cluster, and to the question about it."""
