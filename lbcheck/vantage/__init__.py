"""How steps get to the hosts where they run: here, or through Ansible; and a command that runs here beside them."""
