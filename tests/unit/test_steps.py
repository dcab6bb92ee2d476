"""A kind of step says everything about itself: none can be forgotten where steps are run, worded or written down."""

import importlib
import inspect
import pkgutil
import typing
from collections.abc import Iterator

import pytest

from lbcheck import model
from lbcheck.model.command import RunCommand
from lbcheck.model.kinds import SAMPLES, STEPS
from lbcheck.model.requests import Request
from lbcheck.model.step import ErrorKind, Failure, Sample, Step
from lbcheck.reporters import plan
from lbcheck.vantage import here

from .scenes import ONE_OF_EACH

FAILURE = Failure(ErrorKind.UNREACHABLE, "no route")


def defined(base: type) -> set[type]:
    """Return every class of the model that is a kind of `base`."""
    for module in pkgutil.iter_modules(model.__path__, "lbcheck.model."):
        importlib.import_module(module.name)
    return {kind for kind in _below(base) if kind.__module__.startswith("lbcheck.model.")}


def _below(base: type) -> Iterator[type]:
    for kind in base.__subclasses__():
        yield kind
        yield from _below(kind)


def test_every_kind_of_step_and_sample_can_be_written_down() -> None:
    """What the model defines can travel to a host and back, and into a file."""
    assert set(STEPS) == defined(Step)
    assert set(SAMPLES) == defined(Sample)


def test_every_kind_of_step_can_be_run_and_worded() -> None:
    """A new kind of step is in each table, or this test says in which it is not."""
    assert set(here.RUNNERS) == set(STEPS)
    assert set(plan.SENTENCES) == set(STEPS)
    assert {type(step) for step in ONE_OF_EACH} == set(STEPS)


@pytest.mark.parametrize("step", ONE_OF_EACH, ids=lambda step: type(step).__name__)
def test_a_lost_step_looks_like_one_that_was_run(step: Step) -> None:
    """A step that could not be run gives the kind of sample that its runner gives, with all that the step tells."""
    lost = step.lost(FAILURE)
    runner = here.RUNNERS[type(step)]
    assert typing.get_type_hints(runner)["step"] is type(step)
    assert typing.get_type_hints(runner)["return"] is type(lost)
    assert type(lost) in SAMPLES
    shared = {name for name in vars(lost) if name in vars(step)} - {
        "sources",
        "ports",
        "endpoints",
        "requests",
        "queries",
    }
    assert {name: str(getattr(lost, name)) for name in shared} == {n: str(getattr(step, n)) for n in shared}
    assert lost.failure == FAILURE


@pytest.mark.parametrize("kind", STEPS, ids=lambda kind: kind.__name__)
def test_a_sentence_takes_its_own_kind_of_step(kind: type[Step]) -> None:
    """A line in the table of sentences has the function for that kind."""
    (step,) = inspect.signature(plan.SENTENCES[kind], eval_str=True).parameters.values()
    assert step.annotation is kind


def test_a_fault_of_one_step_is_its_own_sample() -> None:
    """What goes wrong in a runner costs no other step its sample."""
    broken = Request(url="http://127.0.0.1/", address="", requests=1, identify="nothing that names a server")
    command = RunCommand(words=("true",), after_s=0.0)
    first, second = here.run([broken, command])
    assert first.failure is not None
    assert first.failure.kind is ErrorKind.INTERNAL
    assert "Request: LbcheckError: " in first.failure.message
    assert second.failure is not None
    assert "commands run beside a plan, never in it" in second.failure.message
