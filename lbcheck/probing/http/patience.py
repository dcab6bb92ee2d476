"""How gently a step asks a target that does not answer, and when it is given up."""

from lbcheck.model.requests import Request

FAILING = 100  # requests in a row without an answer, after which the rest is gentle
FAILING_RATE = 100.0  # requests a second then
TIMEOUTS = 3  # without any answer, after which a step is given up; with 5 s, longer than a VIP takes to move


class Patience:
    """What failures and silence have cost a step so far. Times are seconds of one monotonic clock."""

    def __init__(self, step: Request, now: float) -> None:
        self.silent_s = 0.0
        self.rate = step.rate  # requests a second that may be sent now; 0: no limit
        # No operation waits for longer than all of them may.
        self.timeout_s = min(step.timeout_s, step.silence_s or step.timeout_s)
        self._rate, self._limit_s = step.rate, step.silence_s
        self._concurrency = max(1, step.concurrency)
        self._failing = 0  # requests in a row without an answer
        self._heard = now

    def heard(self, now: float) -> None:
        """Take note of an answer."""
        self._heard = now
        self._failing = 0
        self.rate = self._rate

    def failed(self, waited_s: float) -> None:
        """Take note of a request that came to nothing."""
        self.waited(waited_s)
        self._failing += 1
        if self._failing >= FAILING:
            self.rate = min(self._rate or FAILING_RATE, FAILING_RATE)

    def waited(self, seconds: float) -> None:
        """Take note of time that a failure took. It kept one connection busy; the others went on meanwhile."""
        self.silent_s += seconds / self._concurrency

    def given_up(self, now: float) -> str:
        """Return why no further request is to be sent, as a sentence; empty where one may be."""
        if self._limit_s and self.silent_s >= self._limit_s:
            return f"given up after {self._limit_s:g} s of failures and silence"
        silent_s = now - self._heard
        if silent_s > TIMEOUTS * self.timeout_s and self._failing >= max(3, self._concurrency):
            return f"given up after {silent_s:.3g} s without any answer"
        return ""
