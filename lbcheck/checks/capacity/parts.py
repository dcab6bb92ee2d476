"""The products of a path: their labels in plans and samples, and their rows of the evidence."""

from dataclasses import dataclass
from typing import Any

from lbcheck.analysis.tuples.hops import Hop, Path, TupleProduct
from lbcheck.analysis.tuples.path import Subject
from lbcheck.checks.capacity.evidence import OpenedRow, TranslatedRow


@dataclass(frozen=True)
class Part:
    """One product of one path. `number` counts those of the path: hosts of two kinds may be two products of one hop."""

    subject: Subject
    number: int
    hop: Hop
    product: TupleProduct

    @property
    def label(self) -> str:
        """The label of its fills and of their samples."""
        return f"{self.subject.name} {self.number}"

    @property
    def name(self) -> str:
        """Its name in findings."""
        outside = f", {self.product.outside.address}" if self.product.outside else ""
        return f"{self.product.hop}, IPv{self.product.family}{outside}"

    @property
    def row(self) -> TranslatedRow | OpenedRow:
        """Its row with the prediction, without measurements."""
        product = self.product
        common: dict[str, Any] = {
            "hop": product.hop,
            "family": product.family,
            "sources": product.sources,
            "endpoints": product.endpoints,
            "ports": product.ports,
            "predicted": product.predicted,
            "measured": None,
            "stopped_by": None,
            "seconds": 0.0,
            "refusal": product.refusal,
        }
        if not product.outside:
            return OpenedRow(binding_mode=product.binding, **common)
        return TranslatedRow(
            mapping_behaviour=product.binding,
            outside=product.outside.address,
            subscribers=product.outside.subscribers,
            wanted=product.outside.wanted,
            **common,
        )


def parts(subject: Subject, path: Path) -> tuple[Part, ...]:
    """Return every product of a subject's path, each with the hop that it belongs to."""
    products = [(hop, product) for hop in path.every_hop for product in hop.products]
    return tuple(Part(subject, number, *pair) for number, pair in enumerate(products))


def through_label(subject: Subject, gateway: str) -> str:
    """Return what marks the fill that goes through a NAT, to all its outside addresses at once."""
    return f"{subject.name} through {gateway}"


def servers_label(subject: Subject) -> str:
    """Return what marks the fill that goes through a path's balancers to its servers."""
    return f"{subject.name} servers"
