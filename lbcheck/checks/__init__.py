"""One file a check: `plan(topology, options)` says what to do, `judge(topology, samples)` what it means. Pure."""
