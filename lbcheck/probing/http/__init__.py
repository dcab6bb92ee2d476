"""HTTP over many connections at once: who answers, counted; and for how long nobody does, watched."""
