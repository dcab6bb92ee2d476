"""One file a command: `HELP`, `arguments(parser)` says what it takes, `run(options)` does it and returns the status."""
