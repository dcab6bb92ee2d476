"""Who is authoritative for a name."""

import dns.exception
import dns.name
import dns.resolver

from lbcheck.errors import LbcheckError
from lbcheck.probing.dns.addresses import addresses_of


def authoritative_for(name: str, timeout_s: float) -> dict[str, tuple[str, ...]]:
    """Return the name servers of the zone that `name` is in, each with its addresses; none where nobody says."""
    try:
        resolver = dns.resolver.Resolver()
        resolver.lifetime = timeout_s
        zone = dns.resolver.zone_for_name(dns.name.from_text(name), resolver=resolver)
        servers = [str(record.target).rstrip(".") for record in resolver.resolve(zone, "NS")]
        return {server: addresses_of(server) for server in sorted(servers)}
    except (dns.exception.DNSException, LbcheckError, OSError):
        return {}  # the resolver's own layer says what is wrong with it
