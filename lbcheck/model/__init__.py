"""The words that everything else speaks: frozen dataclasses that check themselves, and constants with their sources."""
