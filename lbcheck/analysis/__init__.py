"""The mathematics: what each algorithm owes, tests with stated error rates, sample sizes. Pure."""
