"""Real balancers that nobody here built: healthy fleets that must not fail, faults that must not pass, simulators held.

    python -m bench.foreign [PRODUCT…] [--runs N] [--part healthy|faults|simulators]… [--table]

The programs are PyPI's packages of `requirements.lock`, which `make foreign` installs into build/foreign. A file runs
one product; all of it happens over loopback, in a network namespace that ends every process in it.
"""
