"""Complaints about what is written: variables and fields that nobody knows, what is missing, values of other types."""

from lbcheck.errors import LbcheckError
from lbcheck.loaders.convergence.gathering import Complaints, mappings, nearest
from lbcheck.loaders.known_variables import FIELDS, OF_AN_INVENTORY
from lbcheck.loaders.values import shown

_NAMES = tuple(OF_AN_INVENTORY)
MISSING = {
    "cluster_networks": "a mapping of networks to their prefixes, such as {public: {ipv4: 198.18.0.0/24}}",
    "cluster_frontends": "what is published, such as [{name: www, url: 'http://www.example.org/', backend: web}]",
    "cluster_backends": "what answers, such as [{name: web, port: 8080}]",
}


def look(found: Complaints) -> None:
    """Complain of names that nobody knows, of what is missing, and of values of other types."""
    for host, variables in found.hostvars.items():
        for name, value in variables.items():
            if name in OF_AN_INVENTORY:
                _typed(found, host, name, value)
            elif name.startswith(("cluster_", "lbcheck_")):
                found.say(f"variable {shown(name)} is not known; the nearest is '{nearest(name, _NAMES)}'", host)
    for name in ("cluster_networks", "cluster_frontends", "cluster_backends"):
        for host in found.members:
            if name not in found.hostvars[host]:
                found.say(f"{name} is missing: {MISSING[name]}", host)


def _typed(found: Complaints, host: str, name: str, value: object) -> None:
    try:
        OF_AN_INVENTORY[name](found.reader.var(host, name))
    except LbcheckError as error:
        said = str(error).removeprefix(f"host '{host}': ").removesuffix(f" ({found.where})")
        found.say(said if said.startswith(name) else f"{name}: {said}", host)
        return
    for entry in mappings([value] if isinstance(value, dict) else value) if name in FIELDS else ():
        what = f"{name}: {shown(entry['name'])}" if "name" in entry else name
        for field, given in entry.items():
            if read := FIELDS[name].get(field):
                found.attempt(f"{what}: {field}", given, read, host)
            else:
                near = nearest(str(field), tuple(FIELDS[name]))
                found.say(f"{what}: the playbooks know no field {shown(field)}; the nearest is '{near}'", host)
