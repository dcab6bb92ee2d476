"""Numbers in sentences."""


def counted(number: int, noun: str) -> str:
    """Return a number of things: `1 subscriber`, `2,000 addresses`."""
    if number != 1:
        noun += "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}"
