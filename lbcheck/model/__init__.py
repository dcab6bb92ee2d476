"""The words that everything else speaks: frozen dataclasses that check themselves, and nothing that does anything."""
