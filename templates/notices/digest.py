"""The digest: what happened since the last one and how every source stands, in one message a day."""

from collections.abc import Sequence
from datetime import datetime

from storage.facts.digests import DigestView, Happened
from storage.facts.incidents import Incident, IncidentKind
from storage.facts.messages import Buttons, Code, Heading, Inline, Message, Note, Paragraph, Part, Strong, Table, When
from storage.facts.runs import RunState
from storage.facts.sources import ConnectionState
from storage.facts.status import SourceStatus
from templates.gate import state_words
from templates.notices.answers import say
from templates.notices.exchange_words import ENDINGS
from templates.notices.metrics_week import metrics_in
from templates.notices.own import digest_when
from templates.notices.pieces import Words, instant, why_buttons
from templates.notices.trends import standing_chart
from templates.text import counted, label, listed, shorten
from templates.words import long_names, short_names

#: Rows of the table, and incidents, that one message shows.
_MOST, _MOST_INCIDENTS = 30, 10
_WHAT = {
    IncidentKind.DISCONNECTED: "disconnected",
    IncidentKind.LATE: "late",
    IncidentKind.FAILING: "failing",
}
USAGE: Words = (
    "For you: ",
    Code("/data notify digest at 08:30"),
    ", ",
    Code("… at 08:30 weekdays mail"),
    ", ",
    Code("/data notify digest off"),
    ". A topic only there: ",
    Code("/data notify ready digest"),
    ". For this channel (admins): ",
    Code("/data notify digest here at 08:30"),
    ", ",
    Code("/data notify digest here off"),
    ".",
)


def digest(what: Happened, now: datetime, *, channel: bool) -> Message:
    """Return the digest."""
    names = long_names([one.source for one in what.statuses])
    verdict = _verdict(what, names)
    summary = f"{label(what.organization)}: {verdict}"
    parts: list[Part] = [
        Heading(f"{label(what.organization)}: daily digest"),
        Paragraph((Strong(verdict), " What happened since ", When(what.since), ":")),
    ]
    picture = standing_chart(what.statuses, short_names([one.source for one in what.statuses]), now)
    parts += [picture] if picture is not None else []
    shown = what.statuses[:_MOST]
    rows = tuple(_row(one, names[one.source.id], what, now) for one in shown)
    parts.append(Table("Every source", ("Source", "Data as of", "How it stands", "Since the last digest"), rows))
    if len(what.statuses) > len(shown):
        parts.append(Paragraph((f"{len(what.statuses) - len(shown)} more: ", Code("/data status"))))
    parts += [Paragraph(_incident(one, names)) for one in what.incidents[-_MOST_INCIDENTS:]]
    if what.exchanged:
        parts.append(Paragraph(_exchanged(what)))
    if what.metrics:
        parts += metrics_in(what.metrics, now)
    if what.undelivered:
        whom = "this channel" if channel else "you"
        lost = counted(what.undelivered, "message", "messages")
        parts.append(Paragraph((f"{lost} to {whom} did not arrive, or may not have: ", Code("/data deliveries"), ".")))
    asks = _asks(what)
    if asks:
        parts.append(Buttons(why_buttons([one.source for one in asks])))
    change = "/data notify digest here off" if channel else "/data notify digest off"
    parts.append(
        Note(
            (
                "Everything here is as of ",
                When(now),
                ". Nothing comes when nothing happened and all is well. Stop it: ",
                Code(change),
            )
        )
    )
    return Message(summary, tuple(parts), subject=f"Daily digest of {summary}", kind="digest")


def _asks(what: Happened) -> list[SourceStatus]:
    """Return the sources that somebody should look at."""
    broken = {one.source_id for one in what.incidents if one.resolved_at is None}
    return [one for one in what.statuses if one.source.id in broken or one in what.unwell]


def _verdict(what: Happened, names: dict[str, str]) -> str:
    asks = [names[one.source.id] for one in _asks(what)]
    newer = len({one.source_id for one in what.ended if one.changed})
    news = f"{counted(newer, 'source has', 'sources have')} newer data" if newer else "no source has newer data"
    if not asks:
        return f"{news}; all is well now."
    return f"{news}; look at {listed([label(name) for name in asks], most=3)}."


def _row(one: SourceStatus, name: str, what: Happened, now: datetime) -> tuple[tuple[Inline, ...], ...]:
    stands = "disconnected" if one.source.connection is ConnectionState.DISCONNECTED else state_words(one)
    return ((label(name),), instant(one.last_data_refresh, now=now), (stands,), (_since(one.source.id, what),))


def _since(source_id: str, what: Happened) -> str:
    own = [one for one in what.ended if one.source_id == source_id]
    newer = sum(one.count for one in own if one.changed)
    same = sum(one.count for one in own if one.state is RunState.READY and not one.changed)
    held = sum(one.count for one in own if one.held)
    failed = sum(one.count for one in own if one.state is RunState.FAILED and not one.held)
    said = [
        f"newer data {_times(newer)}" if newer else "",
        f"nothing new {_times(same)}" if same else "",
        f"held for a person {_times(held)}" if held else "",
        f"failed {_times(failed)}" if failed else "",
    ]
    return ", ".join(one for one in said if one) or "not collected"


def _exchanged(what: Happened) -> Words:
    said = [f"{pair.label.lower()} {ENDINGS[state]} {_times(count)}" for pair, state, count in what.exchanged]
    return (Strong("The exchange with PocketAdvantage: "), f"{', '.join(said)}. How it stands: ",
            Code("/data exchange"), ".")  # fmt: skip


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _incident(one: Incident, names: dict[str, str]) -> Words:
    name = label(names.get(one.source_id, "A source"))
    if one.resolved_at is not None:
        return (
            f"{name} was {_WHAT[one.kind]} since ",
            When(one.opened_at),
            " until ",
            When(one.resolved_at),
            ". It is over.",
        )
    return (
        Strong(f"{name} is {_WHAT[one.kind]}"),
        " since ",
        When(one.opened_at),
        f": {shorten(label(one.reason), 200)}.",
    )


def digest_shown(view: DigestView, *, changed: bool = False) -> Message:
    """Return which digests come, to the person and to the channel."""
    mine = digest_when(view.mine, view.zone)
    summary = f"Your digest: {mine}." if mine else "You have no digest."
    lines: list[Words] = [(Strong(f"Saved. {summary}"),) if changed else (summary,)]
    here = digest_when(view.here, view.here_zone)
    if here:
        lines.append((f"This channel's digest: {here}.",))
    return say(summary, *lines, USAGE, kind="digest_shown")


def digest_refused(said: str, why: Sequence[Inline] = ()) -> Message:
    """Return the answer to words that set no digest."""
    summary = f"“{shorten(label(said), 60)}” sets no digest. Nothing was changed."
    lines: list[Words] = [(summary,)]
    if why:
        lines.append(tuple(why))
    return say(summary, *lines, USAGE, kind="digest_shown")
