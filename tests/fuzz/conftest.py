"""How many examples are tried: few and always the same ones, or as many as there is time for."""

import os
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir

# How long an example takes is held by the tests themselves, in time of the processor: a machine may be busy.
_BOTH = {"deadline": None, "suppress_health_check": (HealthCheck.too_slow, HealthCheck.data_too_large)}

# Here lies what failed last time, which is tried first.
set_hypothesis_home_dir(Path(__file__).parents[2] / "build" / "hypothesis")
settings.register_profile("short", max_examples=100, derandomize=True, database=None, **_BOTH)
settings.register_profile("long", max_examples=5000, **_BOTH)
settings.load_profile(os.environ.get("LBCHECK_FUZZ", "short"))
