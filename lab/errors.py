"""The one exception that the lab shows to its user, as a sentence."""


class LabError(Exception):
    """Something that the user can understand and act on. `status` is the exit status: 2 for wrong input or usage."""

    def __init__(self, sentence: str, status: int = 1) -> None:
        super().__init__(sentence)
        self.status = status


def usage_error(sentence: str) -> LabError:
    """Return the error for wrong input: an inventory that says nonsense, a command that needs root."""
    return LabError(sentence, status=2)
