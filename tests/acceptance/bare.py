"""A bare system: a release's smallest root file system and a few packages, entered with this machine's network."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from lab import image
from lab.system import run

PACKAGES = ("make", "git", "python3", "python3-venv", "ca-certificates")  # what README asks for, and no more
ENTER = Path(__file__).with_name("enter.sh")
CUSTOMISATION = Path(__file__).with_name("bare.sh")
ROOT = Path(__file__).parents[2]
# What pip is told of its registry on this machine; what else it is told is this machine's.
REGISTRY = ("index-url", "proxy", "cert", "client-cert", "trusted-host", "timeout", "default-timeout")
PROXIES = ("http_proxy", "https_proxy", "no_proxy")


@dataclass(frozen=True)
class Bare:
    """Its folder."""

    root: Path

    def shell(self, user: str, script: str) -> "subprocess.CompletedProcess[str]":
        """Run a script as a user, in the user's home. Nothing that it starts or mounts outlives it."""
        settings = _registry()
        files = [value for value in settings.values() if Path(value).is_file()]
        command = [
            *("setpriv", "--pdeathsig=KILL", "unshare", "--mount", "--propagation=private", "--ipc", "--uts"),
            *("--pid", "--fork", "--kill-child=KILL", str(ENTER), str(self.root), user, script, *files),
        ]
        return subprocess.run(command, env=settings, capture_output=True, text=True, check=False)


@contextmanager
def bare(codename: str) -> Iterator[Bare]:
    """Make one of a release of this machine's distribution, with a clone's source in it; it is gone after the block."""
    release = image.Release(image.machine_release().distribution, codename)
    with TemporaryDirectory(prefix="lbcheck-acceptance-", dir="/var/tmp") as folder:
        root = Path(folder, "root")
        image.bootstrap(release, root, PACKAGES, [CUSTOMISATION])
        root.chmod(0o755)
        run(["git", "-C", str(ROOT), "bundle", "create", "--quiet", str(root / "source.bundle"), "HEAD"])
        yield Bare(root)


def _registry() -> dict[str, str]:
    """Return the environment by which pip reaches its registry as it does on this machine."""
    found = {name: os.environ[name] for name in PROXIES if name in os.environ}
    for line in run([sys.executable, "-m", "pip", "config", "list"]).splitlines():
        key, _, value = line.partition("=")
        name = key.rpartition(".")[2]
        if name in REGISTRY:
            found[f"PIP_{name.upper().replace('-', '_')}"] = ast.literal_eval(value)
    return found
