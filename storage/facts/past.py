"""First reads that take several runs: how far back the records of a stream are in."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Older:
    """A stream whose older records are still being read, newest first."""

    stream: str
    #: what is dated this day or later is in
    back_to: date
    #: records that were still to be read when it was last looked
    left: int
    #: what people read: "Invoices"
    label: str = ""
    #: how long the rest takes at the rate that the provider allows; None: its records at the pace of the run before
    seconds: float | None = None
