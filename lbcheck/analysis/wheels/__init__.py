"""Round robin's exact laws: each balancer's wheel, what a turn of it owes, and how many choices show a wrong weight."""
