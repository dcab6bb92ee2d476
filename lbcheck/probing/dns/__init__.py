"""DNS queries in blocks, over UDP and again over TCP where an answer did not fit.

A block is one name and one type at one server, never interleaved with another: a server that rotates may have one
counter for all names and types (NSD). For the same reason the queries whose answers were truncated are asked over
TCP after the last one over UDP, in a row of their own.
"""
