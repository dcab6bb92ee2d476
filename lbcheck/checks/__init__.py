"""One file or folder a check: what to do (plan), what that means (judge), what a person should see (exhibits). Pure."""
