"""Restated values: what a closed period came to before and after a collection, and through which transactions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from storage.facts.metrics import Kept

#: transactions that are kept with a restated value, the largest changes
MOST_DOCUMENTS = 5


@dataclass(frozen=True, slots=True)
class Document:
    """A transaction that is another than before: its day and amount, None where it was not there."""

    #: ``invoice``, ``Journal Entry``: as QuickBooks calls it
    kind: str
    #: as people know it; may be empty
    number: str
    id: str
    day_before: date | None
    before: Decimal | None
    day: date | None
    after: Decimal | None

    @property
    def moved(self) -> Decimal:
        """By how much."""
        return (self.after or Decimal(0)) - (self.before or Decimal(0))


@dataclass(frozen=True, slots=True)
class Restated:
    """A value of a period that was over and whole, and is another now."""

    kept: Kept
    before: Decimal | None
    #: that this was in
    currency_before: str
    #: when that was found; None for what was found before this was noted
    at: datetime | None
    #: the largest changes; None: not known
    documents: tuple[Document, ...] | None
    #: further ones
    more: int
    #: whether the documents alone can be named, and not how much of each is in the value
    around: bool
    #: up to which day QuickBooks says that the books are closed
    books_closed: date | None

    @property
    def in_closed_books(self) -> bool:
        """Whether days of the period are in books that QuickBooks says are closed."""
        return self.books_closed is not None and self.kept.value.period.start <= self.books_closed


def is_restated(kept: Kept) -> bool:
    """Whether a value that was whole is another, because the data are."""
    changed = kept.changed
    if changed.get("why") != "data" or not changed.get("complete_before"):
        return False
    was, value = changed.get("before"), kept.value.value
    if was is not None and "currency_before" in changed:
        return True
    return (None if was is None else Decimal(was)) != value


def currency_before(kept: Kept) -> str:
    """Return what the value before was in: another currency where the company's own was changed."""
    return str(kept.changed.get("currency_before", kept.currency))


def restated_of(kept: Kept) -> Restated | None:
    """Return what is known of a restated value; None for one that is none."""
    if not is_restated(kept):
        return None
    changed = kept.changed
    was, at, closed, through = (changed.get(name) for name in ("before", "at", "books_closed", "through"))
    return Restated(
        kept,
        None if was is None else Decimal(was),
        currency_before(kept),
        datetime.fromisoformat(at) if at else None,
        None if through is None else tuple(_document(one) for one in through),
        int(changed.get("more", 0)),
        bool(changed.get("around")),
        date.fromisoformat(closed) if closed else None,
    )


def document_json(one: Document) -> dict[str, Any]:
    """Return a document as it is stored: ids, numbers and amounts, nobody's name."""
    return {
        "kind": one.kind, "number": one.number, "id": one.id,
        "day_before": one.day_before.isoformat() if one.day_before else None,
        "before": None if one.before is None else f"{one.before:f}",
        "day": one.day.isoformat() if one.day else None,
        "after": None if one.after is None else f"{one.after:f}",
    }  # fmt: skip


def _document(stored: Mapping[str, Any]) -> Document:
    before, after, day, was = (stored[name] for name in ("before", "after", "day", "day_before"))
    return Document(
        stored["kind"],
        stored["number"],
        stored["id"],
        date.fromisoformat(was) if was else None,
        None if before is None else Decimal(before),
        date.fromisoformat(day) if day else None,
        None if after is None else Decimal(after),
    )
