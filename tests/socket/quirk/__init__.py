"""Quirk, a load balancer that does not exist: what a further product takes, and nothing else.

`page.py` stands for a file in lbcheck/wire, `source.py` for one in lbcheck/sources, and `SCHEME` is the one line of the
table in lbcheck/model/schemes.py. `balancer.py` is Quirk itself. CONTRIBUTING.md says the same in words.
"""

from lbcheck.model.schemes import Product, Scheme

SCHEME = {"quirk+http": Scheme(Product("Quirk"), "quirk+http://HOST:PORT/PATH", "tests.socket.quirk.source")}
