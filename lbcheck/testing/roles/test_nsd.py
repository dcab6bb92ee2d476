"""Role nsd: who answers for the zone."""

from lbcheck.model.address import FAMILIES
from lbcheck.testing.fleet import Fleet, HostView, named, runs


def test_nsd_runs_now_and_at_each_boot(dns_server: HostView, fleet: Fleet) -> None:
    """The authoritative server is running, enabled, and listens on its addresses only."""
    runs(dns_server, "nsd")
    listening = dns_server.host.socket.get_listening_sockets()
    for address in named(fleet.cluster.dns_servers, dns_server.name).addresses:
        assert f"udp://{address}:53" in listening
    assert "udp://127.0.0.1:53" not in listening


def test_the_configuration_is_what_nsd_accepts(dns_server: HostView) -> None:
    """What was installed is what the server's own check accepts."""
    assert dns_server.host.run("nsd-checkconf /etc/nsd/nsd.conf").succeeded


def test_the_zone_gives_every_address_with_authority(dns_server: HostView, client: HostView, fleet: Fleet) -> None:
    """Each name has its addresses, in both families, from the server itself."""
    address = named(fleet.cluster.dns_servers, dns_server.name).addresses[0]
    for name in fleet.cluster.names:
        for rdtype, family in zip(("A", "AAAA"), FAMILIES, strict=True):
            asked = f"dig +norecurse +noall +comments +answer @{address} {name.name} {rdtype}"
            answer = client.host.check_output(asked)
            assert " aa" in answer
            assert answer.count(f"\t{rdtype}\t") == len(name.of_family(family))
