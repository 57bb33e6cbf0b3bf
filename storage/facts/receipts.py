"""A receipt as it is shown, and a chain of receipts as it was checked."""

from dataclasses import dataclass

from storage.facts.runs import Receipt
from storage.facts.sources import Source


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """One receipt with the names in it."""

    receipt: Receipt
    source: Source
    #: names of the members who asked or joined, in that order
    asked_by: tuple[str, ...]
    #: whether it says what it said when it was written, and follows the receipt before it
    sound: bool


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """What a look at every receipt of an organization found."""

    receipts: int
    #: places in the chain, from 1, whose content or link is not as it was written
    broken: tuple[int, ...] = ()
    #: hash of the last receipt; who wrote it down elsewhere sees later whether the end was cut off
    head: str = ""
