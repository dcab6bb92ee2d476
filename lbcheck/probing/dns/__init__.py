"""Names: asked of servers in blocks, looked up as this host's programs do, and whose they are."""
