"""Why Ansible could not read an inventory, from its warnings: its error says that it could not, and no more."""

import re

MOST_WORDS = 500  # letters, of all reasons
_MESSAGE = re.compile(r"^\[[A-Z ]+\]:", re.MULTILINE)
# Before ansible-core 2.19 it names the file, and breaks lines anywhere.
_FAILED = re.compile(
    r"[\s*]*Failed\s+to\s+parse\s.{1,500}?\swith\s+'?(\w+)'?\s+plugin:\s+(.+?)\s*(?:\n\n|\Z)", re.DOTALL
)
_LINE = re.compile(r"^Origin: .+:([0-9]+):[0-9]+$", re.MULTILINE)


def reasons(warnings: str) -> str:
    """Return why each inventory plugin that tried could not; nothing if none says so.

    Several may have one reason: what is YAML is tried by two.
    """
    found: dict[str, str] = {}
    for message in _MESSAGE.split(warnings):
        if failed := _FAILED.match(message):
            plugin, why = failed.groups()
            line = _LINE.search(message)
            found.setdefault(" ".join(why.split()), f"line {line[1]}, as {plugin}" if line else f"as {plugin}")
    return "; ".join(f"{why} ({how})" for why, how in found.items())[:MOST_WORDS]
