"""Values of socket options that module socket does not know."""

import struct

RESET = struct.pack("ii", 1, 0)  # SO_LINGER, 0 s: close by RST
IP_BIND_ADDRESS_NO_PORT = 24  # linux/in.h, for IPv6 sockets, too; module socket has it from Python 3.12 on
