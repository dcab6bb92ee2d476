"""A file or folder for each check: its plan, its verdicts (judge), what a person sees (exhibits). None does I/O."""
