"""What is known of a QuickBooks Desktop that calls us, and of the orders that wait for its call."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DesktopKind(StrEnum):
    """What is to become of a sales order."""

    ADD = "add"
    CHANGE = "change"
    CLOSE = "close"


class DesktopState(StrEnum):
    """Where an order stands on its way into QuickBooks Desktop."""

    #: waits for the Web Connector's call
    QUEUED = "queued"
    #: handed to the Web Connector, which has not answered yet
    SENT = "sent"
    ANSWERED = "answered"


class DesktopStep(StrEnum):
    """What was asked of QuickBooks Desktop: it is looked up before anything is written."""

    QUERY = "query"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class CompanyFile:
    """A company file as the Web Connector names it, with the company's name in it where that is known."""

    path: str
    company: str = ""

    def same(self, other: "CompanyFile") -> bool:
        """Whether both are one: Windows tells no capitals apart; a name that is not known contradicts nothing."""
        paths = self.path.replace("/", "\\").casefold() == other.path.replace("/", "\\").casefold()
        names = not self.company or not other.company or self.company.casefold() == other.company.casefold()
        return paths and names


@dataclass(frozen=True, slots=True)
class WebConnector:
    """One registration: a QuickBooks Desktop that may call us for one source."""

    id: str
    organization_id: str
    source_id: str
    #: who made it
    member_id: str
    user_name: str
    #: by which QuickBooks Desktop knows the program, and what it keeps in the company file
    owner_id: str
    file_id: str
    created_at: datetime
    #: the one that orders are written into; None before the first call
    company: CompanyFile | None = None
    #: another one that was open when it called, and that nobody agreed to
    other: CompanyFile | None = None
    called_at: datetime | None = None
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DesktopRequest:
    """An order that goes, or went, into QuickBooks Desktop."""

    id: str
    organization_id: str
    registration_id: str
    #: what whoever wants it written calls it
    request_id: str
    order_no: str
    revision: int
    kind: DesktopKind
    #: the order as JSON; empty once it is answered
    body: str
    #: id of what stands in QuickBooks already; empty where that is not known
    before: str
    state: DesktopState
    step: DesktopStep
    #: how often it was looked up, and how often something was handed over to be written
    asked: int
    written: int
    queued_at: datetime
    answered_at: datetime | None = None
    #: what the last look found in QuickBooks, and its edit; empty: nothing
    found_id: str = ""
    found_edit: str = ""
    #: what QuickBooks calls it
    target_id: str = ""
    number: str = ""
    #: why it was not taken, or in the meantime: what it waits for
    reason: str = ""
    refused: bool = False

    @property
    def open(self) -> bool:
        """Whether it is still on its way."""
        return self.state is not DesktopState.ANSWERED


@dataclass(frozen=True, slots=True)
class DesktopSession:
    """One visit of a Web Connector, from its password to its good-bye."""

    id: str
    registration_id: str
    begun_at: datetime
    seen_at: datetime
    ended_at: datetime | None = None
    #: the desktop request that this visit is about, and the message about it that is not answered; without a message
    #: it was looked up, and is to be written next
    outstanding: str = ""
    message_id: str = ""
    #: orders that this visit answered
    done: int = 0
    #: what went wrong, for whoever sits before the Web Connector
    error: str = ""
