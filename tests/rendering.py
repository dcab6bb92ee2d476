"""The roles' templates as Ansible renders them, for tests of what comes out.

Run as a module, it renders what it reads as JSON: a process of its own, for Ansible's plugin loader changes how modules
are imported.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ROLES = ROOT / "ansible" / "roles"
# Role keep has nothing to tell: no variables, no tasks.
NAMES = tuple(sorted(path.parents[1].name for path in ROLES.glob("*/meta/argument_specs.yml")))
FAMILIES = ("Debian", "RedHat")

Job = tuple[str, str, Mapping[str, Any]]  # role, template, variables


def rendered(jobs: Sequence[Job], family: str = "Debian") -> list[str]:
    """Return the text of each template, with its role's defaults, on a host whose facts tell of that family."""
    facts = {"inventory_hostname": "host1", "ansible_facts": {"os_family": family}}
    given = json.dumps([(role, template, facts | dict(variables)) for role, template, variables in jobs])
    command = [sys.executable, "-m", "tests.rendering"]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    texts: list[str] = json.loads(done.stdout)
    return texts


def main() -> None:
    """Render the jobs on standard input; a JSON list of texts goes to standard output."""
    from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415
    from ansible.plugins.loader import init_plugin_loader  # noqa: PLC0415
    from ansible.template import Templar, trust_as_template  # noqa: PLC0415

    init_plugin_loader()
    loader = DataLoader()
    texts = []
    for role, template, variables in json.load(sys.stdin):
        files = [path for kind in ("defaults", "vars") if (path := ROLES / role / kind / "main.yml").exists()]
        own = {k: v for path in files for k, v in loader.load_from_file(str(path), trusted_as_template=True).items()}
        words = f"{{{{ lookup('ansible.builtin.template', '{ROLES / role / 'templates' / template}') }}}}"
        texts.append(Templar(loader=loader, variables=own | variables).template(trust_as_template(words)))
    json.dump([str(text) for text in texts], sys.stdout)


if __name__ == "__main__":
    main()
