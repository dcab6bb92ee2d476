"""The lab on one machine: every host of an inventory a systemd container in a network namespace of its own.

The order of things in `up`: inventory (pure checks) → image (one root file system, shared and read-only) → network
(namespaces, bridges, veth pairs) → hosts (systemd-nspawn). `down` goes by what the kernel says is there, not by what
was recorded, so that it cleans up after a crash as well.

Only the standard library is imported here: the lab also shows the progress of making the virtual environment.
"""
