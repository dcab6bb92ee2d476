"""What the collection's README and each role's say: written from argument_specs and the roles' dependencies.

Run as a module, it writes them.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.rendering import NAMES, ROLES

COLLECTION = ROLES.parent
_GALAXY = yaml.safe_load((COLLECTION / "galaxy.yml").read_text(encoding="utf-8"))
_NAME = f"{_GALAXY['namespace']}.{_GALAXY['name']}"
Spec = Mapping[str, Any]


def readmes() -> dict[Path, str]:
    """Return each README and its text."""
    roles = {ROLES / name / "README.md": _text(_role(name)) for name in NAMES}
    return {COLLECTION / "README.md": _text(_collection())} | roles


def _text(lines: Iterator[str]) -> str:
    return "\n".join(lines) + "\n"


def _collection() -> Iterator[str]:
    yield f"# {_NAME}"
    yield f"\n{_GALAXY['description']}.\n"
    yield f"Use each role alone, as `{_NAME}.ROLE`: it brings those that it needs. All use modules of ansible-core.\n"
    yield "| role | what it is |\n|---|---|"
    yield from (f"| [{name}](roles/{name}/README.md) | {_spec(name)['short_description']} |" for name in NAMES)
    yield "\nBuilt from the repository and installed without a network:\n"
    archive = f"build/{_NAME.replace('.', '-')}-{_GALAXY['version']}.tar.gz"
    yield "    ansible-galaxy collection build ansible --output-path build"
    yield f"    ansible-galaxy collection install --offline {archive}"


def _role(name: str) -> Iterator[str]:
    spec = _spec(name)
    yield f"# {_NAME}.{name}"
    yield f"\n{spec['short_description']}."
    yield from (f"\n{paragraph}" for paragraph in spec.get("description", ()))
    if needs := _dependencies(name):
        yield f"\nIt brings {', '.join(f'`{need}`' for need in needs)} along."
    yield "\n| variable | type | default | |\n|---|---|---|---|"
    for variable, option in spec["options"].items():
        yield from _rows(variable, option)


def _rows(name: str, option: Spec) -> Iterator[str]:
    kind = option["type"] if option["type"] != "list" else f"list of {option['elements']}"
    if choices := option.get("choices"):
        kind += f": {_one_of(choices)}"
    default = (
        "required" if option.get("required") else f"`{_literal(option['default'])}`" if "default" in option else ""
    )
    said = option["description"]
    said = " ".join(said) if isinstance(said, list) else said
    yield "| " + " | ".join(_cell(one) for one in (f"`{name}`", kind, default, said)) + " |"
    inner = f"{name}[]" if option["type"] == "list" else name
    for key, value in option.get("options", {}).items():
        yield from _rows(f"{inner}.{key}", value)


def _one_of(choices: list[Any]) -> str:
    if choices == list(range(choices[0], choices[-1] + 1)) if isinstance(choices[0], int) else False:
        return f"{choices[0]} to {choices[-1]}"
    return ", ".join(map(str, choices))


def _literal(value: object) -> str:
    """Return a value as it is written in YAML, on one line; a text without quotes."""
    if isinstance(value, str) and value:
        return value
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False)
    return text.strip().removesuffix("...").strip()


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _spec(name: str) -> Spec:
    path = ROLES / name / "meta" / "argument_specs.yml"
    spec: Spec = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]["main"]
    return spec


def _dependencies(name: str) -> list[str]:
    """Return the roles that a role depends on or imports."""
    meta = ROLES / name / "meta" / "main.yml"
    declared = yaml.safe_load(meta.read_text(encoding="utf-8"))["dependencies"] if meta.exists() else []
    tasks = yaml.safe_load((ROLES / name / "tasks" / "main.yml").read_text(encoding="utf-8"))
    return [one["role"] for one in declared] + list(dict.fromkeys(_imported(tasks)))


def _imported(tasks: list[Spec]) -> Iterator[str]:
    for task in tasks:
        if role := task.get("ansible.builtin.import_role"):
            yield role["name"]
        yield from _imported(task.get("block", []))


def main() -> None:
    """Write them all."""
    for path, text in readmes().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
