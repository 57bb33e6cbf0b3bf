"""Whether a change that somebody made at a provider is in the data: what is looked for, and what was found."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from storage.facts.sources import Source


class SoughtKind(StrEnum):
    """How the change is named."""

    #: a document or order number, or an id
    NUMBER = "number"
    AMOUNT = "amount"
    #: when it was made
    INSTANT = "instant"


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for."""

    kind: SoughtKind
    #: the number; the amount as plain text; the instant in ISO form
    text: str

    @property
    def amount(self) -> Decimal:
        """The amount, exactly."""
        return Decimal(self.text)

    @property
    def instant(self) -> datetime:
        """The instant."""
        return datetime.fromisoformat(self.text)


@dataclass(frozen=True, slots=True)
class Row:
    """A record in the lake that is what was looked for."""

    #: ``invoice``
    noun: str
    number: str
    amount: Decimal | None
    currency: str | None
    day: date | None
    #: the run that brought its newest version
    run_id: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that is there, and since which collection."""

    source: Source
    row: Row | None
    #: up to when the data of that collection is complete
    as_of: datetime | None
    receipt: str | None
    #: False while it is collected and not made ready to import yet
    ready: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the data of a source is that was looked into."""

    source: Source
    as_of: datetime | None
    next_at: datetime | None
    #: a collection is under way
    running: bool


@dataclass(frozen=True, slots=True)
class LandedAnswer:
    """What is found, or how far the data is and until when it is looked for."""

    wanted: Sought
    hits: tuple[Hit, ...]
    standings: tuple[Standing, ...]
    #: until when whoever asked is told by itself; None where nothing is watched
    watching_until: datetime | None
    #: whether amounts may be shown to whoever asks
    amounts: bool = True


@dataclass(frozen=True, slots=True)
class Watch:
    """Somebody waits for a change to land in one source; several of one question share its id."""

    id: str
    ask_id: str
    organization_id: str
    member_id: str
    source_id: str
    wanted: Sought
    asked_at: datetime
    expires_at: datetime
    looked_at: datetime
