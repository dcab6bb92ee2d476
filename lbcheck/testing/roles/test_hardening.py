"""Role hardening: what the services can no longer do. That they serve all the same, every other test here shows."""

import pytest

from lbcheck.testing.fleet import Fleet, HostView

FATAL = {"cap_sys_admin", "cap_sys_ptrace", "cap_sys_module", "cap_mknod", "cap_sys_rawio"}
SHOWN = "ActiveState,NoNewPrivileges,ProtectSystem,ProtectHome,MemoryDenyWriteExecute,CapabilityBoundingSet"


def confined(seen: HostView, service: str, *, system: str = "strict") -> None:
    """Check what is in force for a running service: what systemd says, and what the kernel says of its process."""
    said = seen.host.check_output(
        f"systemctl show {service} --property {SHOWN} && "
        f"grep -E 'NoNewPrivs|Seccomp:' /proc/$(systemctl show {service} --property MainPID --value)/status"
    ).splitlines()
    assert {"NoNewPrivs:\t1", "Seccomp:\t2"} <= set(said)
    shown = dict(line.split("=", 1) for line in said if "=" in line)
    assert FATAL.isdisjoint(shown.pop("CapabilityBoundingSet").split())
    assert shown == {
        "ActiveState": "active",
        "NoNewPrivileges": "yes",
        "ProtectSystem": system,
        "ProtectHome": "yes",
        "MemoryDenyWriteExecute": "yes",
    }


def test_haproxy_is_confined(load_balancer: HostView) -> None:
    """HAProxy writes to nothing but its sockets' folders."""
    confined(load_balancer, "haproxy")


def test_keepalived_is_confined(load_balancer: HostView, fleet: Fleet) -> None:
    """Keepalived and its commands may write to /var and /run, but not to programs or configuration."""
    if not fleet.cluster.vips:
        pytest.skip("the inventory has no cluster_vips")
    confined(load_balancer, "keepalived", system="full")


def test_nginx_is_confined(backend: HostView) -> None:
    """Nginx writes to nothing but its logs, its bodies and /run."""
    confined(backend, "nginx")


def test_nsd_is_confined(dns_server: HostView) -> None:
    """NSD has its package's rules and ours."""
    confined(dns_server, "nsd")


def test_unbound_is_confined(resolver: HostView) -> None:
    """Unbound writes to nothing but its trust anchor and /run."""
    confined(resolver, "unbound")


def test_no_unit_is_exposed_more_than_it_needs(any_host: HostView, fleet: Fleet) -> None:
    """Systemd computes at most 3.6 of 10, or 36 of 100, for each unit that a role writes or confines."""
    for unit in fleet.units(any_host.name):
        rated = any_host.host.run(f"systemd-analyze security --no-pager --threshold=36 {unit}.service")
        assert rated.succeeded, rated.stdout + rated.stderr


@pytest.mark.parametrize("unit", ["haproxy", "keepalived"])
def test_systemd_has_no_complaint_about_a_confined_service(load_balancer: HostView, unit: str) -> None:
    """Nothing that it does is refused to it, a reload least of all."""
    journal = load_balancer.host.check_output(f"journalctl --no-pager --boot --unit {unit}")
    assert "Reload failed" not in journal
    assert "Operation not permitted" not in journal
