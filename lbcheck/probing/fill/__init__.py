"""Connections opened from every source and port to every endpoint, and held; and listeners that take them."""
