"""Numbers in sentences."""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 subscriber`, `2,000 addresses`."""
    if number != 1:
        noun += "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}"
