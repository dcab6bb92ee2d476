"""How balancers choose: one file simulates one algorithm, from what its product does, and imports nothing of lbcheck.

A law takes the weights of the servers (0: none of the requests), a source of chance, and `busy`, which says at any time
how many requests each server answers. It yields for ever the number of the server that is chosen next.
"""

import random
from collections.abc import Callable, Iterator, Sequence

Choices = Iterator[int]
Law = Callable[[Sequence[int], random.Random, Sequence[int]], Choices]
