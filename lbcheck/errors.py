"""What lbcheck says when it cannot go on: sentences for the user, each with its exit status."""


class LbcheckError(Exception):
    """A sentence that names the file, host or field and what to do; `exit_status` is what the command ends with."""

    exit_status = 2  # usage or unreadable input


class InventoryError(LbcheckError):
    """The inventory cannot be read, or says something that cannot be."""


class MeasurementError(LbcheckError):
    """Nothing could be measured at all."""

    exit_status = 4
