"""Role unbound: who asks for the clients."""

from lbcheck.testing.fleet import Fleet, HostView, runs


def test_unbound_runs_now_and_at_each_boot(resolver: HostView) -> None:
    """The resolver is running, and enabled."""
    runs(resolver, "unbound")


def test_the_resolver_answers_for_every_name(resolver: HostView, fleet: Fleet) -> None:
    """What the cluster publishes is found; a lab has no way out, and refuses everything else without waiting."""
    for name in fleet.cluster.names:
        assert "status: NOERROR" in resolver.host.check_output(f"dig @127.0.0.1 {name.name}")
    if fleet.question.lab:
        assert "status: REFUSED" in resolver.host.check_output("dig @127.0.0.1 www.example.org")
