"""Role haproxy: who balances."""

from lbcheck.model.cluster import capacity_of
from lbcheck.testing.fleet import Fleet, HostView, listening, named, runs

# Fails unless HAProxy says at its socket that it runs the configuration of this name.
RUNS = """
import socket, sys
asking = socket.socket(socket.AF_UNIX)
asking.connect(sys.argv[1])
asking.sendall(b"show info\\n")
said = b"".join(iter(lambda: asking.recv(65536), b"")).decode()
assert "description: " + sys.argv[2] in said.splitlines(), said
"""


def test_haproxy_runs_now_and_at_each_boot(load_balancer: HostView) -> None:
    """HAProxy is running, and enabled."""
    runs(load_balancer, "haproxy")


def test_haproxy_listens_on_every_published_port(load_balancer: HostView, fleet: Fleet) -> None:
    """Each frontend's ports have a listener."""
    published = {port for frontend in fleet.cluster.frontends for port in capacity_of(frontend).ports}
    assert published <= listening(load_balancer)


def test_the_ephemeral_ports_are_the_inventorys(load_balancer: HostView, fleet: Fleet) -> None:
    """The range that the model of capacity reads is the range that the kernel has."""
    ports = capacity_of(named(fleet.cluster.balancers, load_balancer.name)).opening.ports
    found = load_balancer.host.check_output("cat /proc/sys/net/ipv4/ip_local_port_range")
    assert found.split() == [str(ports.low), str(ports.high)]


def test_the_configuration_is_what_haproxy_accepts(load_balancer: HostView) -> None:
    """What was installed passes HAProxy's own check without a warning."""
    checked = load_balancer.host.run("haproxy -c -f /etc/haproxy/haproxy.cfg")
    assert checked.succeeded, checked.stderr
    assert "WARNING" not in checked.stderr


def test_haproxy_runs_the_configuration_that_was_written(load_balancer: HostView) -> None:
    """The process that answers says the same of its configuration as the file does."""
    written = load_balancer.host.check_output("grep -oP '^ *description \\K.*' /etc/haproxy/haproxy.cfg")
    load_balancer.host.check_output(f"python3 -c '{RUNS}' /run/haproxy/admin.sock {written}")


def test_statistics_are_for_readers_and_orders_for_root(load_balancer: HostView, fleet: Fleet) -> None:
    """The statistics socket takes no orders, and is not everybody's; the admin socket is root's."""
    for uri in named(fleet.cluster.balancers, load_balancer.name).stats:
        if uri.startswith("unix:"):
            socket = load_balancer.host.file(uri.removeprefix("unix:"))
            assert socket.is_socket
            assert socket.mode & 0o007 == 0
    admin = load_balancer.host.file("/run/haproxy/admin.sock")
    assert not admin.exists or admin.mode == 0o600
