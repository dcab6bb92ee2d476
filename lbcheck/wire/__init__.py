"""Bytes and text ↔ samples, without any input or output."""
