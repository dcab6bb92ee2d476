"""The root file system that all hosts share: built once by mmdebstrap, from the machine's own apt sources."""

import errno
import hashlib
import json
import os
import platform
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab.cache import locked, need_room
from lab.errors import LabError
from lab.progress import Phase
from lab.state import STATE
from lab.system import run

CACHE = Path("/var/cache/lbcheck-lab")
CUSTOMISATION = Path(__file__).with_name("image.sh")
MADE_OF = (CUSTOMISATION, Path(__file__).with_name("zip_bytecode.py"))  # the script, and what it puts there
NEEDED_BYTES = 700_000_000  # a finished image is 280 MB; while it is built, the packages lie beside it
KEPT_S = 7 * 86_400  # images of other package lists: for those who change between branches
DISTRIBUTIONS = {"debian": "Debian", "ubuntu": "Ubuntu"}  # as /etc/os-release and as their archives call themselves

# Everything that any role needs: the hosts have no way out, so nothing can be installed later.
PACKAGES = (
    # a host that Ansible can configure
    "systemd", "systemd-sysv", "dbus", "python3", "python3-apt", "iproute2", "procps", "ca-certificates",
    # what the roles configure
    "haproxy", "keepalived", "nginx-light", "nsd", "unbound", "nftables", "conntrack",
    # what one wants in a shell
    "bind9-dnsutils", "curl", "iputils-ping", "less", "tcpdump",
)  # fmt: skip
OPTIONS = (
    "--mode=root",
    "--variant=minbase",
    "--format=directory",
    "--dpkgopt=force-unsafe-io",  # an interrupted build is thrown away anyway
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    # No service is to start in the chroot: it would be the machine's.
    r"--essential-hook=printf '#!/bin/sh\nexit 101\n' "
    r""">"$1/usr/sbin/policy-rc.d"; chmod 755 "$1"/usr/sbin/policy-rc.d""",
)


@dataclass(frozen=True)
class Release:
    """The machine's distribution: its images are of the same release, so that they come from the same sources."""

    distribution: str
    codename: str


def ensure(current: Phase) -> Path:
    """Return the image's folder; build it first unless it is there already."""
    release = machine_release()
    key = image_key(release)
    image = CACHE / key
    if image.is_dir():
        os.utime(image)
        current.say(f"reused {key}")
        return image
    with locked(CACHE, current):
        if not image.is_dir():  # whoever held the lock before may have built it
            current.say(f"building {key}")
            _build(release, image)
    current.say(f"built {key}")
    return image


def image_key(release: Release) -> str:
    """Return the name of the image that these packages, this release and this customisation make."""
    texts = [path.read_text(encoding="utf-8") for path in MADE_OF]
    parts = [release.distribution, release.codename, platform.machine(), PACKAGES, OPTIONS, texts]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def machine_release() -> Release:
    """Return what the machine runs; LabError unless it is Debian or Ubuntu."""
    try:
        facts = platform.freedesktop_os_release()
    except OSError:
        facts = {}
    release = Release(facts.get("ID", ""), facts.get("VERSION_CODENAME", ""))
    if release.distribution not in DISTRIBUTIONS or not release.codename:
        raise LabError(f"the lab runs on Debian and Ubuntu; this machine is '{facts.get('PRETTY_NAME', 'unknown')}'")
    return release


def apt_sources(release: Release) -> list[str]:
    """Return the machine's apt sources of its distribution, as `deb` lines of a release; others' archives are left out.

    apt is asked, rather than its files read: it knows every format, and what each archive says that it is.
    """
    lines = _distribution_sources(release)
    if not lines:  # a machine whose package lists were removed: apt knows an archive's origin from these only
        run(["apt-get", "-q", "update"], doing="apt-get update")
        lines = _distribution_sources(release)
    if not lines:
        name = DISTRIBUTIONS[release.distribution]
        raise LabError(f"none of this machine's apt sources is an archive of {name}: the image is built from those")
    return lines


def _distribution_sources(release: Release) -> list[str]:
    fields = ("CREATED_BY", "ORIGIN", "REPO_URI", "RELEASE", "COMPONENT", "SIGNED_BY")
    listing = run(["apt-get", "indextargets", "--format", "|".join(f"$({field})" for field in fields)])
    return source_lines(listing, DISTRIBUTIONS[release.distribution], machine_release().codename, release.codename)


def source_lines(listing: str, origin: str, codename: str, wanted: str) -> list[str]:
    """Return the `deb` lines for what apt listed (creator|origin|address|release|component|key), each once.

    What is listed is of the release `codename`; the lines are of the release `wanted`, from the same archives.
    """
    lines: dict[str, None] = {}
    for row in listing.splitlines():
        fields = row.split("|")
        if len(fields) != 6 or fields[:2] != ["Packages", origin]:
            continue
        address, release, component, key = fields[2:]
        # Backports are never installed unasked, a CD cannot be put in, and another release would be mixed in.
        if release.endswith("-backports") or address.startswith("cdrom:") or not release.startswith(codename):
            continue
        option = f"[signed-by={key}] " if key.startswith("/") else ""
        lines[f"deb {option}{address} {release.replace(codename, wanted)} {component}"] = None
    return list(lines)


def _build(release: Release, image: Path) -> None:
    for leftover in [*CACHE.glob("*.building"), *_outdated()]:  # the lock is ours: nobody is building these
        shutil.rmtree(leftover)
    need_room(CACHE, NEEDED_BYTES, "image")
    target = image.with_name(f"{image.name}.building")
    try:
        bootstrap(release, target, PACKAGES, [CUSTOMISATION])
        target.chmod(0o755)
        target.rename(image)
    finally:
        shutil.rmtree(target, ignore_errors=True)


def _outdated() -> list[Path]:
    """Return the images that nothing stands on and that nobody asked for in a while."""
    used = {json.loads(path.read_text(encoding="utf-8"))["image"] for path in STATE.glob("*/hosts/*/host.json")}
    images = [path for path in CACHE.iterdir() if path.is_dir() and path.suffix != ".building"]
    return [one for one in images if str(one) not in used and time.time() - one.stat().st_mtime > KEPT_S]


def bootstrap(release: Release, target: Path, packages: Sequence[str], customisations: Sequence[Path]) -> None:
    """Make a root file system of packages in a new folder, then let each script change it."""
    sources = apt_sources(release)
    with tempfile.TemporaryDirectory(prefix="lbcheck-lab-") as folder:
        settings = Path(folder, "apt.conf")
        settings.write_text(_apt_proxies(), encoding="utf-8")
        command = [
            # The build dies with us, whatever happens, and so do its mounts: it has its own processes and mounts.
            *("setpriv", "--pdeathsig=KILL", "unshare", "--mount", "--propagation=slave"),
            *("--pid", "--fork", "--kill-child", "--mount-proc", "mmdebstrap", *OPTIONS),
            *(f"--aptopt={settings}", f"--include={','.join(packages)}"),
            *(f'--customize-hook={script} "$1"' for script in customisations),
            *(*_keyring(release), release.codename, str(target), "-"),
        ]
        log = Path(folder, "log")
        with log.open("w", encoding="utf-8") as output:
            result = _run_build(command, "\n".join(sources), output.fileno())
        if result:
            raise LabError(_build_failure(log.read_text(encoding="utf-8", errors="replace")))


def _run_build(command: list[str], sources: str, output: int) -> int:
    # In a session of its own: a Ctrl-C is ours to pass on, not mmdebstrap's to be confused by.
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=output, stderr=output, text=True, start_new_session=True
    ) as process:
        try:
            process.communicate(sources)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode


def _build_failure(log: str) -> str:
    if os.strerror(errno.ENOSPC) in log:
        return f"building the image failed: the disk that holds {CACHE} is full"
    lines = log.strip().splitlines()
    # mmdebstrap's own last words only say that something failed; what failed stands in the lines marked E:.
    reasons = [line for line in lines if line.startswith("E: ") and not line.startswith("E: mmdebstrap")] or lines[-5:]
    return "building the image failed:\n  " + "\n  ".join(reasons[:8])


def _keyring(release: Release) -> list[str]:
    path = Path(f"/usr/share/keyrings/{release.distribution}-archive-keyring.gpg")
    return [f"--keyring={path}"] if path.exists() else []


def _apt_proxies() -> str:
    """Return the machine's apt settings that say how its archives are reached: mmdebstrap reads none of them itself."""
    settings = run(["apt-config", "dump"]).splitlines()
    wanted = ("Acquire::http::", "Acquire::https::", "Acquire::Proxy")
    return "\n".join(line for line in settings if line.startswith(wanted) and "Proxy" in line) + "\n"
