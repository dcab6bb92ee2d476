"""Prints how HAProxy describes itself at its socket: by the hash of what it runs."""

import socket
import sys

with socket.socket(socket.AF_UNIX) as asking:
    asking.connect(sys.argv[1])
    asking.sendall(b"show info\n")
    said = b"".join(iter(lambda: asking.recv(65536), b"")).decode()
sys.stdout.writelines(line for line in said.splitlines(keepends=True) if line.startswith("description: "))
