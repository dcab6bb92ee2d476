"""A command that is run here beside the other steps, and what became of it."""

from dataclasses import dataclass

from lbcheck.model.step import Failure, Sample, Step


@dataclass(frozen=True, kw_only=True)
class RunCommand(Step):
    """Run a command here, once, so long after the stage `traffic` began, and while it lasts."""

    words: tuple[str, ...]
    after_s: float

    def lost(self, failure: Failure) -> "Commanded":
        """Return the sample of a command that never began."""
        return Commanded(at=self.at, failure=failure, words=self.words)


@dataclass(frozen=True, kw_only=True)
class Commanded(Sample):
    """What became of the command; a failure says why it was not run, or not to its end."""

    words: tuple[str, ...]
    began_s: float | None = None  # since the stage began; None: never
    status: int | None = None  # its exit status; None: it did not end by itself
