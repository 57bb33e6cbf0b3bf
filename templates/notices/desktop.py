"""QuickBooks Desktop: which one takes orders, its file and its password, and when it called last."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from storage.facts.messages import (
    Button,
    Buttons,
    Code,
    Facts,
    Heading,
    Inline,
    Message,
    Note,
    Paragraph,
    Part,
    Strong,
    When,
)
from storage.facts.web_connector import CompanyFile, WebConnector
from templates.actions import OPEN_LINK
from templates.notices.answers import tell
from templates.notices.pieces import Words
from templates.text import counted, label

_KIND = "exchange_desktop"
_ALLOW: Words = ("Orders wait until an admin allows them: ", Code("/data exchange allow orders"), ".")
_HOW: Words = ("An admin registers it: ", Code("/data exchange desktop new"), ".")
_ALONE = " Only you see this message."
_SET_UP = (
    "on the computer with QuickBooks Desktop, open the company file as its admin, open the downloaded file with the "
    "QuickBooks Web Connector, and type the password there. Tick its box, so that it calls by itself."
)
_TYPE_IT = "type it into the QuickBooks Web Connector, beside the same user name."
_YOURS = "The link is yours alone and works until "
_FIRST = ". The first company file that is open when it calls is the one that orders are written into."


def desktops(
    known: Sequence[tuple[WebConnector, int]], now: datetime, accounts: Mapping[str, str] | None = None
) -> Message:
    """Return the registrations, whose orders they take, how many wait, and which company file they go into.

    `accounts` are those of PocketAdvantage, by registration.
    """
    if not known:
        return tell("No QuickBooks Desktop takes orders.", _HOW, kind=_KIND)
    parts: list[Part] = [Heading("QuickBooks Desktop")]
    for one, waiting in known:
        parts.append(Facts((*_rows(one, waiting, now), *_of((accounts or {}).get(one.id, "")))))
        if one.other is not None:
            parts.append(Paragraph(_other(one, one.other)))
    first = known[0][0].id
    how: Words = (
        "A new password: ", Code(f"/data exchange desktop {first} password"), ". Its file again: ", Code("… file"),
        ". Take it away: ", Code("… remove"), ".",
    )  # fmt: skip
    waits = sum(waiting for _, waiting in known)
    return Message(f"QuickBooks Desktop: {counted(waits, 'order')} waiting.", (*parts, Note(how)), kind=_KIND)


def desktop_made(
    one: WebConnector, password: str, url: str, until: datetime, *, renewed: bool, account: str = ""
) -> Message:
    """Return the file and the password, which is shown this once, to this person alone."""
    summary = "The new password is shown this once." if renewed else "The password is shown this once."
    before = " The one before counts no more." if renewed else ""
    rows: tuple[tuple[str, Words], ...] = (
        ("Id", (Code(one.id),)), ("User name", (Code(one.user_name),)), ("Password", (Code(password),)),
    )  # fmt: skip
    step = _TYPE_IT if renewed else _SET_UP
    parts: tuple[Part, ...] = (
        Paragraph((Strong(summary), before + _ALONE)),
        Facts((*rows, *_of(account))),
        Paragraph((Strong("Next step: "), step)),
        _link(url),
        Note((_YOURS, When(until, short=True), _FIRST)),
        *(() if renewed else (Note(_ALLOW),)),
    )
    return Message(summary, parts, kind=_KIND)


def desktop_file(one: WebConnector, url: str, until: datetime) -> Message:
    """Return another link to the file."""
    summary = "The file for the QuickBooks Web Connector."
    another: Words = (" For another password: ", Code(f"/data exchange desktop {one.id} password"), ".")
    note: Words = (_YOURS, When(until, short=True), ".", *another)
    return Message(summary, (Paragraph((summary,)), _link(url), Note(note)), kind=_KIND)


def desktop_company(one: WebConnector) -> Message:
    """Return that orders go into another company file from now on."""
    said: tuple[Inline, ...] = _company(one.company) if one.company is not None else ("the one that is open",)
    summary = "Orders go into another company file from the next call on."
    return tell(summary, ("It is ", *said, ". Nothing more is written into the one before."), kind=_KIND)


def desktop_removed(one: WebConnector) -> Message:
    """Return that it may call no more."""
    summary = f"The QuickBooks Desktop {label(one.user_name)} takes no more orders."
    return tell(summary, ("Orders that wait for it are kept for the next one. ", *_HOW), kind=_KIND)


def desktop_refused(reason: str) -> Message:
    """Return why nothing was done."""
    return tell(f"Nothing was changed: {label(reason)}.", _HOW, kind=_KIND)


def desktop_usage(said: str) -> Message:
    """Return what can be said, for words that mean nothing here."""
    can: Words = (
        "All of it: ", Code("/data exchange desktop"), ". A new one: ", Code("/data exchange desktop new"),
        ". Of several accounts of PocketAdvantage: ", Code("/data exchange desktop new temerity-02"),
        ". Behind its id: ", Code("password"), ", ", Code("file"), ", ", Code("company"), " or ", Code("remove"), ".",
    )  # fmt: skip
    return tell(f"“{label(said)}” means nothing here.", can, kind=_KIND)


def _rows(one: WebConnector, waiting: int, now: datetime) -> tuple[tuple[str, Words], ...]:
    called: Words = (When(one.called_at, now),) if one.called_at else ("never",)
    company: Words = _company(one.company) if one.company is not None else ("the first that is open when it calls",)
    return (
        ("Id", (Code(one.id),)),
        ("User name", (Code(one.user_name),)),
        ("Last called", called),
        ("Orders waiting", (str(waiting),)),
        ("Company file", company),
    )


def _of(account: str) -> tuple[tuple[str, Words], ...]:
    return (("Orders of account", (label(account),)),) if account else ()


def _company(file: CompanyFile) -> Words:
    return (Code(file.path), f" ({label(file.company)})") if file.company else (Code(file.path),)


def _other(one: WebConnector, other: CompanyFile) -> Words:
    return (
        Strong("Nothing is written: another company file was open. "),
        *_company(other),
        ". Open the right one; or, if orders are to go into this one from now on: ",
        Code(f"/data exchange desktop {one.id} company"),
        ".",
    )


def _link(url: str) -> Buttons:
    return Buttons((Button("Download the file", OPEN_LINK, url=url),))
