#!/usr/bin/env python3
"""A cloud in containers: an inventory that a program prints, and names that DNS has (as openstack-ansible's)."""

import json
import sys

HOSTS = {"infra1": "172.29.236.11", "infra2": "172.29.236.12"}
CONTAINERS = {f"{host}_api_container-{n:08x}": f"172.29.238.{n}" for n, host in enumerate(HOSTS, start=21)}
VARIABLES = {
    "cluster_frontends": [{"name": "api", "url": "https://{{ public_name }}:8774/", "backend": "api-back"}],
    "cluster_backends": [{"name": "api-back", "group": "api_all", "algorithm": "leastconn"}],
    "lbcheck_groups": {"load_balancers": "proxy_hosts", "backends": "api_all"},
    "public_name": "api.example.org",
}
sys.stdout.write(
    json.dumps(
        {
            "all": {"vars": VARIABLES},
            "proxy_hosts": {"hosts": list(HOSTS)},
            "api_all": {"children": ["api_containers"]},
            "api_containers": {"hosts": list(CONTAINERS)},
            "_meta": {
                "hostvars": {host: {"ansible_host": address} for host, address in HOSTS.items()}
                | {
                    name: {
                        "ansible_host": address,
                        "container_address": address,
                        "physical_host": name.partition("_")[0],
                    }
                    for name, address in CONTAINERS.items()
                }
            },
        }
    )
)
