"""`/data why <metric>`: its cause in one sentence, then each link of the way that its data takes, with its times."""

from collections.abc import Callable, Mapping, Sequence

from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Facts,
    Heading,
    Inline,
    Message,
    Paragraph,
    Part,
    Sign,
    Strong,
    Table,
    When,
)
from storage.facts.metric_why import Link, LinkCause, LinkKind, LinkState, MetricWhy
from storage.facts.metrics import MetricState
from storage.facts.sources import ConnectionState
from templates import actions
from templates.notices.metric_changing import another_words
from templates.notices.metric_words import definition_words, standing_words
from templates.notices.pieces import Words
from templates.notices.why import acting, spoken
from templates.notices.why_causes import cause_words
from templates.text import label, listed
from templates.words import source_title

_KINDS = {
    LinkKind.SOURCE: "Source",
    LinkKind.STREAM: "Read from QuickBooks",
    LinkKind.TABLE: "Records",
    LinkKind.DEFINITION: "Definition",
    LinkKind.SCHEDULE: "Calculation",
}
_SIGNS = {
    LinkState.FINE: ("white_check_mark", "is"),
    LinkState.LATE: ("hourglass_flowing_sand", "is"),
    LinkState.EMPTY: ("white_circle", "is"),
    LinkState.PARTLY: ("warning", "is"),
    LinkState.BROKEN: ("no_entry", "is"),
}
#: Words of a link with which a sentence may begin.
_Said = Callable[[MetricWhy, Link], Words]


def metric_why(
    found: MetricWhy, *, zone: str, admins: Sequence[str] = (), refresh_value: str | None = None, changes: bool = False
) -> Message:
    """Return the explanation; `refresh_value` is for a button that asks for a refresh, `changes` for one that edits."""
    shown, cause = found.evidence.shown, found.cause
    name = f"{label(shown.metric.definition.noun)} {label(shown.metric.name)}"
    title = f"{name}: {standing_words(shown)}"
    told = _told(found, cause)
    first, begins = str(told[0]), isinstance(told[0], str)
    began = f"{first[:1].upper()}{first[1:]}"
    said = (Strong(began) if first in _JOINED else began, *told[1:]) if begins else told
    rows = tuple(_row(found, link) for link in found.links)
    parts: list[Part] = [
        Heading(title),
        Paragraph(said),
        Table("The way of its data, the first that is not fine is the cause", ("Link", "State", "What is known"), rows),
        Facts(_ahead(found, cause, admins)),
        *_buttons(found, cause, refresh_value, changes=changes),
    ]
    return Message(f"{title}, {spoken(told, zone)}".rstrip(".") + ".", tuple(parts), kind="metric_why")


def _told(found: MetricWhy, cause: Link | None) -> Words:
    """Return what follows the state, in a sentence that goes on."""
    if cause is None:
        return _well(found)
    words = _WORDS[cause.cause](found, cause)
    return words if cause.cause is LinkCause.UNEXPLAINED else (_JOINTS.get(cause.cause, "because "), *words)


def _well(found: MetricWhy) -> Words:
    at = found.evidence.shown.metric.as_of
    when: Words = (" Its data is as of ", When(at, found.evidence.now), ".") if at else ()
    return ("every link is fine.", *when)


def _row(found: MetricWhy, link: Link) -> tuple[tuple[Inline, ...], ...]:
    icon, said = _SIGNS[link.state]
    state: tuple[Inline, ...] = (Sign(icon, said), f" {link.state}")
    told = _WELL[link.kind](found, link) if link.cause is LinkCause.WELL else _WORDS[link.cause](found, link)
    first = told[0]
    if isinstance(first, str):
        told = (f"{first[:1].upper()}{first[1:]}", *told[1:])
    return (_KINDS[link.kind],), state, tuple(told)


def _streams(names: Sequence[str]) -> str:
    return label(listed([one.replace("_", " ") for one in names], most=4))


def _source_well(found: MetricWhy, link: Link) -> Words:
    title = source_title(found.evidence.source.evidence.status.source)
    return (f"{title} is connected, data as of ", When(link.at, found.evidence.now)) if link.at else (title,)


def _stream_well(_: MetricWhy, link: Link) -> Words:
    return (_streams(link.names), *((", read as of ", When(link.at)) if link.at else ()))


def _table_well(_: MetricWhy, link: Link) -> Words:
    return (f"{link.names[0]} of them in the newest period",) if link.names else ("nothing is calculated yet",)


def _definition_well(found: MetricWhy, link: Link) -> Words:
    version, who = link.names
    words = f"{definition_words(found.evidence.shown.metric.definition)}; version {version}"
    since: Words = (" since ", When(link.at)) if link.at else ()
    return (words, *since, f", by {label(who)}" if who else "")


def _schedule_well(found: MetricWhy, link: Link) -> Words:
    if found.evidence.source.evidence.status.source.connection is ConnectionState.DISCONNECTED:
        return ("nothing is calculated until the source is connected again; the values stay",)
    if link.at is None:
        return ("no collection is scheduled; it is calculated after one that somebody asks for",)
    return ("it follows within seconds of the next collection, next ", When(link.at))


_WELL: Mapping[LinkKind, _Said] = {
    LinkKind.SOURCE: _source_well,
    LinkKind.STREAM: _stream_well,
    LinkKind.TABLE: _table_well,
    LinkKind.DEFINITION: _definition_well,
    LinkKind.SCHEDULE: _schedule_well,
}


def _of_source(found: MetricWhy, _: Link) -> Words:
    return cause_words(found.evidence.source)


def _frozen(found: MetricWhy, link: Link) -> Words:
    noun = found.evidence.shown.metric.definition.noun.lower()
    why = f" ({label(link.said).rstrip('.')})" if link.said else ""
    when: Words = (" since ", When(link.at)) if link.at else ()
    return (f"the source is connected, and the {noun} still stands still{why}", *when, ".")


def _unread(_: MetricWhy, link: Link) -> Words:
    why = f": {label(link.said)}" if link.said else ""
    words = f"the last collection could not read {label(listed(list(link.names), most=4))}{why}"
    return (f"{words}. What is there is as of ", When(link.at), ".") if link.at else (f"{words}. It was never read.",)


def _daily(_: MetricWhy, link: Link) -> Words:
    when: Words = (", and what is there is as of ", When(link.at)) if link.at else ()
    reads = "is" if len(link.names) == 1 else "are"
    return (f"the {_streams(link.names)} {reads} read once a day", *when, ".")


def _not_imported(_: MetricWhy, link: Link) -> Words:
    if link.said:
        return (f"{label(link.said)}.",)
    return ("what it is calculated from is not imported yet; it follows with one of the next collections.",)


def _no_records(found: MetricWhy, _: Link) -> Words:
    return (f"nothing of it happened in the last {len(found.evidence.shown.values)} periods: no record is there.",)


def _no_value(_: MetricWhy, link: Link) -> Words:
    return (f"the newest period has no value: {label(link.said)}.",)


def _left_out(_: MetricWhy, link: Link) -> Words:
    return (f"not all records are in it: {label(link.said)}.",)


def _broken(_: MetricWhy, link: Link) -> Words:
    return (f"it cannot be calculated as it is defined: {label(link.said).rstrip('.')}.",)


def _not_yet(_: MetricWhy, link: Link) -> Words:
    version, who = link.names
    words = f"version {version} of its definition{f', by {label(who)},' if who else ''} is not calculated yet"
    return (f"{words}; it waits since ", When(link.at), ".") if link.at else (f"{words}.",)


def _calculating(_: MetricWhy, link: Link) -> Words:
    when: Words = (", at the latest by the next attempt ", When(link.at)) if link.at else ()
    return ("newer data is being calculated, which takes seconds", *when, ".")


def _failing(_: MetricWhy, link: Link) -> Words:
    count, again = link.names[0], link.at
    often = "once" if count == "1" else f"{count} times"
    words = f"calculating it failed {often}, and the values from before stay"
    return (f"{words}; next attempt ", When(again), ".") if again else (f"{words}.",)


def _unexplained(_: MetricWhy, __: Link) -> Words:
    return (
        "nobody knows why yet: every link looks fine, and still it is not current. That is trouble of Tidings' own.",
    )


_WORDS: Mapping[LinkCause, _Said] = {
    LinkCause.SOURCE: _of_source,
    LinkCause.FROZEN: _frozen,
    LinkCause.UNREAD: _unread,
    LinkCause.DAILY: _daily,
    LinkCause.NOT_IMPORTED: _not_imported,
    LinkCause.NO_RECORDS: _no_records,
    LinkCause.NO_VALUE: _no_value,
    LinkCause.LEFT_OUT: _left_out,
    LinkCause.BROKEN: _broken,
    LinkCause.NOT_YET: _not_yet,
    LinkCause.CALCULATING: _calculating,
    LinkCause.FAILING: _failing,
    LinkCause.UNEXPLAINED: _unexplained,
}
#: what is left out makes no metric be as it is
_JOINTS = {LinkCause.LEFT_OUT: "but "}
_JOINED = frozenset({"because ", *_JOINTS.values()})
_ITSELF = "nobody: it goes on by itself"
_SUPPORT = "support of Tidings: open a ticket with the button below, and it is looked at"
_BOOKS = "whoever keeps the books in QuickBooks"
#: who has to act, and their one next step
_STEPS: Mapping[LinkCause, tuple[str, str]] = {
    LinkCause.FROZEN: (_SUPPORT, "open a ticket"),
    LinkCause.DAILY: (_ITSELF, "wait for the next collection, or ask for a refresh"),
    LinkCause.NOT_IMPORTED: (_ITSELF, "wait for the next collection, or ask for a refresh"),
    LinkCause.NO_RECORDS: (_BOOKS, "look whether something of it should be in QuickBooks; if so, enter it there"),
    LinkCause.NO_VALUE: (_BOOKS, "nothing, if the books are right: the next period may have a value"),
    LinkCause.LEFT_OUT: (_BOOKS, "give these records a date in QuickBooks; the next collection brings it"),
    LinkCause.BROKEN: ("a manager or an admin of your organization", "change what it is calculated from"),
    LinkCause.NOT_YET: (_ITSELF, "look again in a minute"),
    LinkCause.CALCULATING: (_ITSELF, "look again in a minute"),
    LinkCause.FAILING: (_SUPPORT, "nothing, while it is tried again; open a ticket when it lasts"),
    LinkCause.UNEXPLAINED: (_SUPPORT, "open a ticket"),
}


def _ahead(found: MetricWhy, cause: Link | None, admins: Sequence[str]) -> tuple[tuple[str, Words], ...]:
    acts, again, _ = acting(found.evidence.source, admins, None)
    if cause is None:
        return (("Who has to act", ("nobody",)), ("Next collection", again))
    if cause.cause in {LinkCause.SOURCE, LinkCause.UNREAD}:
        return (("Who has to act", (acts,)), ("Next automatic attempt", again))
    who, step = _STEPS[cause.cause]
    if cause.kind is LinkKind.SCHEDULE and cause.at is not None:
        again = (When(cause.at, found.evidence.now),)
    return (("Who has to act", (who,)), ("Next step", (step,)), ("Next automatic attempt", again))


def _buttons(found: MetricWhy, cause: Link | None, refresh_value: str | None, *, changes: bool) -> list[Part]:
    """Return the one step that helps as a button, where there is one."""
    metric = found.evidence.shown.metric
    if cause is None or found.evidence.shown.state is MetricState.CURRENT:
        return []
    if cause.cause in {LinkCause.SOURCE, LinkCause.UNREAD}:
        return acting(found.evidence.source, (), refresh_value)[2]
    if cause.cause in {LinkCause.FROZEN, LinkCause.FAILING, LinkCause.UNEXPLAINED}:
        ticket = Button("Open a ticket", actions.CONNECTION_TICKET, metric.source_id, ButtonStyle.PRIMARY)
        return [Buttons((ticket,))]
    if cause.cause is LinkCause.BROKEN and changes:
        button = Button(another_words(found.evidence.shown), actions.METRIC_CHANGE, metric.id, ButtonStyle.PRIMARY)
        return [Buttons((button,))]
    if cause.cause in {LinkCause.DAILY, LinkCause.NOT_IMPORTED} and refresh_value is not None:
        return [Buttons((Button("Refresh QuickBooks", actions.REFRESH_ASK, refresh_value, ButtonStyle.PRIMARY),))]
    return []
