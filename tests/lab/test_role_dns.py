"""Roles nsd and unbound: who answers for the zone, and who asks for the clients."""

import pytest
from testinfra.host import Host

from .cluster import Cluster

pytestmark = pytest.mark.lab


def test_nsd_runs_now_and_at_each_boot(dns_server: Host) -> None:
    """The authoritative server is running, enabled, and listens on its addresses only."""
    assert dns_server.service("nsd").is_running
    assert dns_server.service("nsd").is_enabled
    assert dns_server.socket("udp://198.18.0.53:53").is_listening
    assert not dns_server.socket("udp://127.0.0.1:53").is_listening


def test_the_zone_gives_every_vip_and_every_backend(dns_server: Host, client: Host, cluster: Cluster) -> None:
    """Both names have their addresses, in both families, with authority."""
    for name in cluster.topology.names:
        for rdtype, version in (("A", 4), ("AAAA", 6)):
            answer = client.check_output(
                "dig +norecurse +noall +comments +answer @198.18.0.53 %s %s", name.name, rdtype
            )
            assert " aa" in answer
            assert answer.count(f"\t{rdtype}\t") == len(name.of_family(version))


def test_the_configuration_is_what_nsd_accepts(dns_server: Host) -> None:
    """What was installed is what the server's own check accepts."""
    assert dns_server.run("nsd-checkconf /etc/nsd/nsd.conf").succeeded


def test_unbound_runs_and_answers_nothing_but_the_labs_names(resolver: Host) -> None:
    """The resolver has no way out, and does not wait for one."""
    assert resolver.service("unbound").is_running
    assert resolver.service("unbound").is_enabled
    assert "status: NOERROR" in resolver.check_output("dig @127.0.0.1 www.lab.test")
    assert "status: REFUSED" in resolver.check_output("dig @127.0.0.1 www.example.org")


def test_clients_resolve_through_the_resolver(client: Host, cluster: Cluster) -> None:
    """Both clients, the one behind the NAT too, resolve names by the system's own way."""
    assert "198.18.0.54" in client.file("/etc/resolv.conf").content_string
    [www] = [name for name in cluster.topology.names if name.name == "www.lab.test"]
    assert set(client.addr("www.lab.test").ipv4_addresses) == set(www.of_family(4))
    assert set(client.addr("www.lab.test").ipv6_addresses) == set(www.of_family(6))
