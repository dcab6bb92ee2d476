"""One file or folder for each check: what to do (plan), what it means (judge), what a person sees (exhibits). Pure."""
