"""What each balancing algorithm owes: one file a law, and one table from (product, algorithm) to its law."""
