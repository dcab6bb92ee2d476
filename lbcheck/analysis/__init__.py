"""Mathematics: what each algorithm owes, tests with stated error rates, how many connections are possible at once."""
