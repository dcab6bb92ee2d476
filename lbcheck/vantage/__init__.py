"""Ways to run a plan's steps on hosts, one file each."""
