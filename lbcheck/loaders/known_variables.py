"""Every variable that the reference cluster's inventories may have, and what reads it; others are slips of the pen."""

from collections.abc import Callable, Mapping

from lbcheck.errors import LbcheckError
from lbcheck.loaders import values
from lbcheck.loaders.values import shown
from lbcheck.model.cluster import HEAVIEST
from lbcheck.model.opening import BindingMode

Read = Callable[[object], object]
NAT_MAPPINGS = ("address-and-port-dependent", "endpoint-independent")  # that the role nat_gateway has rules for
MOST_FRONTEND_CONNECTIONS = 2**31 - 1  # HAProxy's maxconn is an int


def _anything(given: object) -> object:
    """Read what is looked at elsewhere."""
    return given


def _number(low: int, high: int = values.HIGHEST) -> Read:
    return lambda given: values.number(given, low, high)


def _listed(given: object) -> list[object]:
    if not isinstance(given, list):
        raise LbcheckError(f"{shown(given)} is no list")
    return values.items(given)


def _addresses(given: object) -> object:
    return [values.address(item) for item in _listed(given)]


def _entries(*needed: str) -> Read:
    """Return what reads a list of mappings, each of which has these fields."""

    def read(given: object) -> object:
        for entry in _listed(given):
            if not isinstance(entry, dict):
                raise LbcheckError(f"{shown(entry)} is no mapping of fields to values")
            if missing := [field for field in needed if field not in entry]:
                raise LbcheckError(f"an entry has no '{missing[0]}': {shown(entry)}")
        return given

    return read


def _own_names(given: object) -> object:
    if given:
        raise LbcheckError("the playbooks know lbcheck's own names for groups and variables, and no others")
    return given


def _count_or_auto(given: object) -> object:
    return given if given == "auto" else values.number(given, 1)


def _mapping(given: object) -> object:
    if given not in NAT_MAPPINGS:
        raise LbcheckError(f"{shown(given)} is not one of {', '.join(NAT_MAPPINGS)}")
    return given


OF_AN_INVENTORY: Mapping[str, Read] = {
    "cluster_addresses": _anything,
    "cluster_backends": _entries("name"),
    "cluster_behind": values.text_or_nothing,
    "cluster_binding": lambda given: values.choice(given, BindingMode),
    "cluster_closes_first": values.flag,
    "cluster_connections": _number(0),
    "cluster_conntrack_max": _number(0),
    "cluster_cpus": _number(1),
    "cluster_ephemeral_ports": values.port_range,
    "cluster_file_descriptors": _number(0),
    "cluster_frontends": _entries("name", "url", "backend"),
    "cluster_ipv6_share": values.share,
    "cluster_listening_ports": values.each(values.port),
    "cluster_management_network": values.text,
    "cluster_maxconn": _number(1, MOST_FRONTEND_CONNECTIONS),
    "cluster_memory_bytes": _number(0),
    "cluster_memory_mb": _number(1),
    "cluster_names": _entries("name"),
    "cluster_nat": values.mapping,
    "cluster_networks": _anything,
    "cluster_public_network": values.text,
    "cluster_reserved_ports": values.port_ranges,
    "cluster_server_maxconn": _number(0),
    "cluster_sources": values.addresses,
    "cluster_ttl_s": _number(0, 2**31 - 1),  # RFC 2181, section 8
    "cluster_tw_reuse": values.flag,
    "cluster_update_cache": values.flag,
    "cluster_vips": _addresses,
    "cluster_weight": _number(0, HEAVIEST),
    "cluster_worker_connections": _number(1),
    "cluster_worker_processes": _count_or_auto,
    "cluster_zone": values.text,
    "lbcheck_access_log": values.text,
    "lbcheck_cacert": values.text_or_nothing,
    "lbcheck_groups": _own_names,
    "lbcheck_haproxy_config": values.each(values.text),
    "lbcheck_haproxy_log": values.text_or_nothing,
    "lbcheck_identify": values.text,
    "lbcheck_identify_balancer": values.text,
    "lbcheck_lab": values.flag,
    "lbcheck_name": values.each(values.text),
    "lbcheck_names": values.mapping,
    "lbcheck_stats": values.text,
    "lbcheck_stub_status": values.text,
    "lbcheck_vars": _own_names,
}
# The fields of each entry, of those lists alone that the playbooks read.
FIELDS: Mapping[str, Mapping[str, Read]] = {
    "cluster_frontends": {
        "name": values.text,
        "url": values.text,
        "backend": values.text,
        "certificate": values.text,
        "redirect": values.flag,
    },
    "cluster_backends": {
        "name": values.text,
        "group": values.text,
        "port": values.port,
        "algorithm": values.text,
        "mode": values.text,
        "retries": _number(0, 2**31 - 1),
        "redispatch": values.flag,
        "send_proxy": values.flag,
        "weights": values.mapping,
        "check": values.mapping,
    },
    "cluster_names": {"name": values.text, "gives": values.text, "addresses": _addresses},
    "cluster_nat": {
        "addresses": _addresses,
        "ports": values.port_range,
        "mapping": _mapping,
    },
}
