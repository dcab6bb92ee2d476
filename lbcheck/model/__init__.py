"""The vocabulary of all other packages: frozen dataclasses that validate themselves, and constants with sources."""
