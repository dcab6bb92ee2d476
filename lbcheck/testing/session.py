"""What the plugin's fixtures do: read the inventory once, run each check once."""

from dataclasses import replace
from typing import Any

from lbcheck import pipeline
from lbcheck.loaders import ansible_inventory, capacity_inventory
from lbcheck.model.plan import Options, default_timeout_s
from lbcheck.model.topology import Topology
from lbcheck.model.verdict import Report


class Session:
    """One fleet, and the reports on it so far."""

    def __init__(self, inventories: tuple[str, ...]) -> None:
        self.inventories = inventories
        self.topology: Topology = ansible_inventory.load(inventories)
        self._done: dict[str, Report] = {}

    def run(self, check: str = "", *, measure: bool = False, **options: Any) -> Report:
        """Run one check, or all, as `lbcheck run` would; the same words again give the same report.

        "capacity" is only predicted; with `measure` a lab is filled, too. `options` are those of Options.
        """
        key = f"{check} {measure} {sorted(options.items())}"
        if key not in self._done:
            self._done[key] = self._run(check, measure, options)
        return self._done[key]

    def _run(self, check: str, measure: bool, options: dict[str, Any]) -> Report:
        topology = self.topology
        if check == "capacity":
            cluster = capacity_inventory.load(self.inventories)
            if not measure:
                return pipeline.predict(cluster, {})
            topology = replace(topology, cluster=cluster)
        timeout_s = default_timeout_s(near=topology.lab)
        defaults: dict[str, Any] = {"token": pipeline.new_token(), "timeout_s": timeout_s}
        asked = Options(**defaults | options)
        return pipeline.run(topology, asked, checks=[check] if check else [], inventories=self.inventories)
