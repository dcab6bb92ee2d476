"""How many connections are possible at once: the 4-tuple's arithmetic, hop by hop, and what one more of each gains."""
