"""The roles' own tests: what each has set up on every host of its group. `pytest --pyargs lbcheck.testing` runs them.

They hold for any inventory that lbcheck understands, not for the lab alone; a file a role. Those of a role that a fleet
does not use are left out by naming the others: `--pyargs lbcheck.testing.roles.test_haproxy`.
"""
