"""What holds for every role: its defaults are its documentation's, and every template renders on both families."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from tests.rendering import FAMILIES, NAMES, ROLES, Job, rendered

ZONE = {"name": "example.org", "ttl_s": 60, "nameservers": ["ns1.example.org"], "names": []}
# What a template needs that has no default.
WANTED: dict[str, dict[str, Any]] = {
    "hardening": {"hardening_unit": "some.service", "hardening_settings": {"CapabilityBoundingSet": ["CAP_KILL"]}},
    "keepalived": {"keepalived_address": "192.0.2.1", "keepalived_interface": "eth0"},
    "nat_gateway": {
        "nat_gateway_inside": "192.0.2.0/24",
        "nat_gateway_addresses": ["198.51.100.1"],
        "nat_gateway_ports": "1024-65535",
    },
    "nsd": {"item": ZONE, "nsd_zones": [ZONE]},
    "haproxy": {"haproxy_fingerprint": "0123abcd"},
    "sysctl": {"sysctl_name": "some", "sysctl_settings": {"net.ipv4.ip_local_port_range": "1024 65535"}},
}
JOBS: list[Job] = [
    (role, template.name, WANTED.get(role, {}))
    for role in NAMES
    for template in sorted((ROLES / role / "templates").glob("*.j2"))
]


def loaded(path: Path) -> dict[str, Any]:
    """Return what a YAML file says."""
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("role", NAMES)
def test_a_roles_defaults_are_the_documented_ones(role: str) -> None:
    """Each default stands in argument_specs with the same value, and each documented default is one."""
    options = loaded(ROLES / role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    documented = {name: option["default"] for name, option in options.items() if "default" in option}
    assert documented == loaded(ROLES / role / "defaults" / "main.yml")


@pytest.mark.parametrize("role", NAMES)
def test_a_role_has_a_test_on_real_hosts(role: str) -> None:
    """One file a role."""
    assert (ROLES.parents[1] / "lbcheck" / "testing" / "roles" / f"test_{role}.py").exists()


@pytest.mark.parametrize("role", NAMES)
def test_only_role_service_starts_and_reloads(role: str) -> None:
    """No handler, either: who does it for what a run has changed forgets it when that run is killed."""
    tasks = (ROLES / role / "tasks" / "main.yml").read_text(encoding="utf-8")
    assert ("ansible.builtin.systemd_service:" in tasks) == (role == "service")
    assert not (ROLES / role / "handlers").exists()


@pytest.mark.parametrize(
    ("role", "given", "refused"),
    [
        ("haproxy", {"weight": 0}, ""),
        ("haproxy", {"weight": 256}, ""),
        ("haproxy", {"weight": 257}, "value of weight must be one of: 0, 1, "),
        ("haproxy", {"balance": "leastconn"}, ""),
        ("haproxy", {"balance": "round-robin"}, "value of balance must be one of: roundrobin, "),
        ("keepalived", {"router_id": 255}, ""),
        ("keepalived", {"router_id": 0}, "value of router_id must be one of: 1, 2, "),
    ],
)
def test_what_haproxy_and_keepalived_would_refuse_is_refused_before(
    role: str, given: dict[str, Any], refused: str
) -> None:
    """Algorithm, weight and virtual router ID, by the arguments' specification."""
    server = {"name": "web1", "address": "192.0.2.1", "port": 80} | {k: v for k, v in given.items() if k == "weight"}
    backend = {"name": "web", "servers": [server]} | {k: v for k, v in given.items() if k == "balance"}
    instance = {"name": "one", "router_id": 1, "priority": 254, "owner": True, "addresses": ["192.0.2.9"]} | given
    own = {"haproxy_backends": [backend]}
    if role == "keepalived":
        own = {"keepalived_address": "192.0.2.1", "keepalived_instances": [instance]}
    spec = loaded(ROLES / role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    errors = ArgumentSpecValidator(spec).validate({f"{role}_os_family": "Debian"} | own).error_messages
    assert len(errors) == bool(refused), errors
    assert "".join(errors).startswith(refused)


def test_every_template_renders_on_every_family() -> None:
    """With the defaults alone; the two families' texts differ in users and paths, not in what they say."""
    debian, redhat = (rendered(JOBS, family) for family in FAMILIES)
    other = {f"{role}/{name}" for (role, name, _), a, b in zip(JOBS, debian, redhat, strict=True) if a != b}
    assert other == {"haproxy/haproxy.cfg.j2", "nginx/nginx.conf.j2"}
    for text in (*debian, *redhat):
        assert "Managed by Ansible" in text
        assert not re.search(r"{{|{%|Undefined|\bNone\b", text)


def test_a_list_replaces_what_the_packages_unit_says() -> None:
    """Anything else adds to it; switched off, on the command line too, the drop-in says nothing."""
    settings = {"CapabilityBoundingSet": ["CAP_KILL", "CAP_CHOWN"], "ProtectProc": "default", "PrivateTmp": False}
    given = {"hardening_unit": "some.service", "hardening_settings": settings}
    on, off = rendered(
        [("hardening", "hardening.conf.j2", given | {"hardening_enabled": enabled}) for enabled in ("true", "false")]
    )
    lines = on.splitlines()
    assert lines[lines.index("CapabilityBoundingSet=") + 1] == "CapabilityBoundingSet=CAP_KILL CAP_CHOWN"
    assert {"NoNewPrivileges=true", "PrivateTmp=false", "ProtectProc=default"} <= set(lines)
    assert [line for line in off.splitlines() if not line.startswith("#")] == []
