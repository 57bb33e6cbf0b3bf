"""The App Home: the data source index, one row per source, with what may be done about each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.facts.home import Filter, Index, Showing
from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Code,
    Heading,
    Inline,
    Message,
    Note,
    Paragraph,
    Part,
    Rule,
    Sign,
    Strong,
    When,
)
from storage.facts.own import Own
from storage.facts.people import Action
from storage.facts.sources import ConnectionState, Freshness, Provider, Source
from storage.facts.status import SourceStatus
from templates import actions
from templates.notices.administration import administration_parts
from templates.notices.answers import no_sources
from templates.notices.board import board_parts
from templates.notices.muted import mute_rows
from templates.notices.own import own_parts
from templates.notices.partly import as_of, lacks
from templates.notices.pieces import Words, at_work, next_collection
from templates.notices.row_menu import row_menu
from templates.notices.status import ask_words, fresh_words, needs_person, stalest, urgent_first, verdict
from templates.text import counted, label
from templates.words import CONNECTION, long_names, on_timer, provider_name

#: Rows on one page: with rules between them half of what Slack takes of a view.
PAGE = 20
#: A picture for each provider, from the standard set by its name there; the provider is said beside it.
LOGOS: Mapping[Provider, str] = {
    Provider.QUICKBOOKS: "ledger",
    Provider.SHOPIFY: "shopping_trolley",
    Provider.AMAZON: "package",
    Provider.NETSUITE: "inbox_tray",
}
#: The picture of whatever has none of its own.
_ANY_LOGO = "file_folder"
_FILTERS = {
    Filter.ALL: "All",
    Filter.STALE: "Not fresh",
    Filter.DISCONNECTED: "Disconnected",
    Filter.RUNNING: "Running now",
}
_NONE = {
    Filter.ALL: "No sources.",
    Filter.STALE: "Every source is fresh.",
    Filter.DISCONNECTED: "Every source is connected.",
    Filter.RUNNING: "Nothing is running now.",
}
_APART = " · "


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks: what they may do, and what they are called on to do."""

    may: frozenset[Action]
    #: providers whose connections the person may renew and end
    manages: frozenset[Provider]
    zone: str
    #: names of the admins
    admins: Sequence[str]
    #: makes the value of a button that asks for a refresh: of one source, by its id, or of everything
    refresh_value: Callable[[str | None], str]


def index(found: Index, viewer: Viewer, now: datetime, *, showing: Showing, own: Own | None) -> Message:
    """Return the whole page: what can be done, the rows of one page, one's own messages, and for admins the rest."""
    ordered = urgent_first(found.statuses)
    name = label(found.organization.name)
    if not ordered:
        empty = no_sources(found.organization.name, viewer.admins)
        parts: list[Part] = [*empty.parts, Buttons(_buttons(ordered, viewer, found.organization.metric_noun))]
        summary = empty.summary
    else:
        told = f"{name}: {verdict(ordered)}"
        summary = f"{told}. {stalest(ordered, viewer.zone)}"
        parts = [
            Heading(told),
            # Where there is a board of them, that button is below it.
            Buttons(_buttons(ordered, viewer, "" if found.board else found.organization.metric_noun)),
            _checked(ordered, now),
        ]
        parts += [Rule(), *_listed(ordered, viewer, now, showing, found.owners)]
    if found.board is not None:
        parts += board_parts(found.board, found.organization.metric_noun, viewer.may, now)
    if own is not None:
        parts += [Rule(), own_parts(own)[0]]
    if found.administration is not None:
        parts += administration_parts(found, found.administration, viewer.may, viewer.manages, now)
    return Message(summary, tuple(parts), kind="index")


def matches(status: SourceStatus, wanted: Filter) -> bool:
    """Whether a source is listed behind a filter."""
    match wanted:
        case Filter.STALE:
            return status.freshness is not Freshness.FRESH or lacks(status.last_ready) is not None
        case Filter.DISCONNECTED:
            return status.source.connection is ConnectionState.DISCONNECTED
        case Filter.RUNNING:
            return status.active is not None
        case _:
            return True


def _buttons(statuses: Sequence[SourceStatus], viewer: Viewer, noun: str) -> tuple[Button, ...]:
    buttons = []
    able = [one for one in statuses if one.source.connection is not ConnectionState.DISCONNECTED]
    if able and Action.START_REFRESH in viewer.may:
        stale = any(matches(one, Filter.STALE) for one in able)
        style = ButtonStyle.PRIMARY if stale else ButtonStyle.PLAIN
        buttons.append(Button("Refresh all data sources", actions.REFRESH_ASK, viewer.refresh_value(None), style))
        if len(able) > 1:
            buttons.append(Button("Refresh some …", actions.REFRESH_FORM))
    if Action.CONNECT in viewer.may:
        style = ButtonStyle.PLAIN if statuses else ButtonStyle.PRIMARY
        buttons.append(Button("New connection", actions.CONNECT_ASK, style=style))
    if Action.CHOOSE_MESSAGES in viewer.may:
        buttons.append(Button("My notifications", actions.NOTIFY_FORM))
    if noun and Action.CHANGE_METRICS in viewer.may and any(one.source.provider is Provider.QUICKBOOKS for one in able):
        buttons.append(Button(f"New {noun.lower()}", actions.METRIC_FORM))
    return (*buttons, Button("Help", actions.HELP))


def _checked(statuses: Sequence[SourceStatus], now: datetime) -> Note:
    timer = any(on_timer(one.source) for one in statuses)
    words = " QuickBooks is collected by a timer, not by a refresh." if timer else ""
    return Note(("Checked ", When(now), f".{words} This page follows by itself what changes."))


def _listed(
    ordered: Sequence[SourceStatus], viewer: Viewer, now: datetime, showing: Showing, owners: Mapping[str, str]
) -> list[Part]:
    chosen = [one for one in ordered if matches(one, showing.filter)]
    pages = max(1, -(-len(chosen) // PAGE))
    page = min(max(showing.page, 1), pages)
    parts: list[Part] = [Paragraph((Strong("Connected accounts"), f"  {_count(chosen, page, pages)}"))]
    if len(ordered) > 1:
        parts.append(Buttons(tuple(_filter(one, ordered, showing) for one in Filter)))
    if not chosen:
        parts.append(Paragraph((_NONE[showing.filter],)))
    names = long_names([one.source for one in ordered])
    for number, status in enumerate(chosen[(page - 1) * PAGE : page * PAGE]):
        parts += [Rule()] if number else []
        parts.append(_row(status, names[status.source.id], viewer, now, owners.get(status.source.id)))
    return parts + _pager(showing.filter, page, pages)


def _count(chosen: Sequence[SourceStatus], page: int, pages: int) -> str:
    first = (page - 1) * PAGE + 1
    if pages == 1:
        return counted(len(chosen), "source")
    return f"{first} to {min(page * PAGE, len(chosen))} of {counted(len(chosen), 'source')}"


def _filter(wanted: Filter, ordered: Sequence[SourceStatus], showing: Showing) -> Button:
    count = sum(matches(one, wanted) for one in ordered)
    style = ButtonStyle.PRIMARY if wanted is showing.filter else ButtonStyle.PLAIN
    return Button(f"{_FILTERS[wanted]} ({count})", actions.HOME_SHOW, f"{wanted.value} 1", style)


def _pager(wanted: Filter, page: int, pages: int) -> list[Part]:
    turns = [("Previous page", page - 1)] * (page > 1) + [("Next page", page + 1)] * (page < pages)
    buttons = tuple(Button(text, actions.HOME_SHOW, f"{wanted.value} {to}") for text, to in turns)
    return [Buttons(buttons)] if buttons else []


def _row(status: SourceStatus, name: str, viewer: Viewer, now: datetime, owner: str | None) -> Paragraph:
    source = status.source
    title: Words = (Sign(LOGOS.get(source.provider, _ANY_LOGO)), " ", Strong(name))
    shown = label(source.label)
    if shown not in name:
        title = (*title, " ", Code(shown))
    data = as_of(status.last_data_refresh, lacks(status.last_ready), "never", now=now)
    under: list[tuple[Inline, ...]] = [
        ("Data: ", Strong(fresh_words(status)), f"{_APART}Connection: ", Strong(CONNECTION[source.connection]),
         f"{_APART}Run: ", *_run(status, now)),
        ("Last data refresh: ", *data),
        ("Next: ", *next_collection(status, now), *_owner(owner)),
        *_identity(source),
        *((f"{title}: ", *words) for title, words in mute_rows(source, now)),
    ]  # fmt: skip
    if needs_person(status):
        asks = ask_words(status, provider_name(source.provider), viewer.admins)
        under.insert(0, (Sign("warning", "Needs a person:"), " ", *asks))
    return Paragraph(title, row_menu(status, viewer.may, viewer.manages, viewer.refresh_value), tuple(under))


def _run(status: SourceStatus, now: datetime) -> Words:
    words = at_work(status.active, now)
    return words if status.active else (Strong(str(words[0])),)


def _owner(owner: str | None) -> Words:
    return (f"{_APART}Owner: {label(owner)}",) if owner else ()


def _identity(source: Source) -> tuple[tuple[Inline, ...], ...]:
    """Return the line about a name that looks wrong to whoever sees it for the first time."""
    if source.provider is not Provider.QUICKBOOKS or not source.account.isdigit():
        return ()
    return (("The number in its name is QuickBooks' own company id, and belongs there.",),)
