"""What the playbook would write on each host: every template of every role, with an inventory's values.

Run as a module, it renders for the clusters that it reads as JSON, a list of inventories each. It is a process of its
own: Ansible's plugin loader changes how modules are imported.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.rendering import ROLES, ROOT

PLAYBOOKS = ROOT / "ansible" / "playbooks"
SHAPES = {path.parent.name: path for path in sorted(Path(ROOT, "tests", "lab", "shapes").glob("*/hosts.yml"))}
Files = dict[str, dict[str, str]]  # host → ROLE/TEMPLATE (of a loop also its item) → text


def written(*clusters: Sequence[str | Path]) -> list[Files]:
    """Return what the playbook would write on each host of each cluster, given by its inventories."""
    given = json.dumps([[str(inventory) for inventory in inventories] for inventories in clusters])
    command = [sys.executable, "-m", "tests.convergence"]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-4000:]
    files: list[Files] = json.loads(done.stdout)
    return files


@cache
def shapes() -> dict[str, Files]:
    """Return what the playbook would write in each of the shapes that are tested; one process renders them all."""
    return dict(zip(SHAPES, written(*([path] for path in SHAPES.values())), strict=True))


def main() -> None:
    """Render for the clusters on standard input; JSON goes to standard output."""
    from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415
    from ansible.plugins.loader import init_plugin_loader  # noqa: PLC0415

    init_plugin_loader()
    loader = DataLoader()
    loader.set_basedir(str(PLAYBOOKS))  # its group_vars are read
    json.dump([_written(loader, inventories) for inventories in json.load(sys.stdin)], sys.stdout)


def _written(loader: Any, inventories: list[str]) -> Files:
    from ansible.inventory.manager import InventoryManager  # noqa: PLC0415
    from ansible.vars.hostvars import HostVars  # noqa: PLC0415
    from ansible.vars.manager import VariableManager  # noqa: PLC0415

    known = InventoryManager(loader=loader, sources=inventories)
    manager = VariableManager(loader=loader, inventory=known)
    others = {"hostvars": HostVars(inventory=known, variable_manager=manager, loader=loader)}
    files: Files = {}
    for hosts, role, when in _roles():
        for host in known.get_hosts(hosts):
            variables = manager.get_vars(host=host) | others
            files.setdefault(host.name, {}).update(_rendered(loader, role, when, variables))
    return files


def _roles() -> Iterator[tuple[str, str, object]]:
    """Give each role of the playbook: its hosts, its name, and its condition."""
    for play in yaml.safe_load((PLAYBOOKS / "site.yml").read_text(encoding="utf-8")):
        yield from ((play["hosts"], role["role"], role.get("when", "true")) for role in play.get("roles", ()))


def _rendered(loader: Any, role: str, when: object, variables: dict[str, Any]) -> Iterator[tuple[str, str]]:
    from ansible.template import Templar, trust_as_template  # noqa: PLC0415

    kinds = {kind: ROLES / role / kind / "main.yml" for kind in ("defaults", "vars")}
    defaults, own = (
        loader.load_from_file(str(path), trusted_as_template=True) if path.exists() else {} for path in kinds.values()
    )
    # Which of the host's interfaces it is only the host can tell, and what its configuration hashes to.
    values = defaults | variables | own | {"keepalived_interface": "public", "haproxy_fingerprint": "0123abcd"}

    def said(words: str, **more: object) -> Any:
        return Templar(loader=loader, variables=values | more).template(trust_as_template(words))

    if not said(f"{{{{ {when} }}}}"):
        return
    for template in sorted((ROLES / role / "templates").glob("*.j2")):
        words = f"{{{{ lookup('ansible.builtin.template', '{template}') }}}}"
        if template.name == "zone.j2":
            for zone in said("{{ nsd_zones }}"):
                yield f"{role}/{template.name} {zone['name']}", str(said(words, item=zone))
        else:
            yield f"{role}/{template.name}", str(said(words))


if __name__ == "__main__":
    main()
