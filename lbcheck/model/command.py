"""A command that runs on this host in parallel with the other steps, and how it ended."""

from dataclasses import dataclass

from lbcheck.model.step import Failure, Sample, Step


@dataclass(frozen=True, kw_only=True)
class RunCommand(Step):
    """Run a command once on this host, `after_s` seconds after the stage `traffic` began.

    The stage's watches go on until it has ended, and for `then_s` seconds more.
    """

    SAID_AGAIN = ("at", "words")

    words: tuple[str, ...]
    after_s: float
    then_s: float = 0.0

    def lost(self, failure: Failure) -> "Commanded":
        """Return the sample of a command that never began."""
        return Commanded(at=self.at, failure=failure, words=self.words)


@dataclass(frozen=True, kw_only=True)
class Commanded(Sample):
    """How the command ended; `failure` says why it did not run, or did not run to its end."""

    words: tuple[str, ...]
    began_s: float | None = None  # since the stage began; None: never
    status: int | None = None  # its exit status; None: it did not end by itself
