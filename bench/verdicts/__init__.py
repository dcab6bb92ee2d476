"""How often verdicts err, and after how many requests they fall: simulated, with seeds.

    python -m bench.verdicts                              the names of all situations
    python -m bench.verdicts NAME [--runs N] [--seed S]   one situation: prints its row

A file simulates one law (`draws`), and imports nothing of lbcheck: what judges does not say what is true. `situations`
names what is simulated, `measuring` has it judged.
"""
