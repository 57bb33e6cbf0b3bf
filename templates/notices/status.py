"""The answer to "is my data fresh?", for one source and for many."""

from collections.abc import Sequence
from datetime import datetime

from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Code,
    Facts,
    Heading,
    Inline,
    Message,
    Note,
    Paragraph,
    Part,
    Strong,
    Table,
    When,
)
from storage.facts.runs import Failure, FailureKind, Run, RunState
from storage.facts.sources import ConnectionState, Freshness, Provider, Source
from storage.facts.status import SourceStatus
from templates import actions, times
from templates.gate import state_words
from templates.notices.held import held_buttons, held_words
from templates.notices.managing import menu, menus
from templates.notices.muted import mute_notes, mute_rows
from templates.notices.partly import as_of, lacks, lost, partly_parts
from templates.notices.past import past_parts, unread
from templates.notices.pieces import Words, doing, next_collection, stretched, usual, why_buttons
from templates.notices.standstill import frozen_row
from templates.text import counted, label, listed
from templates.words import (
    CONNECTION,
    FRESHNESS,
    STAGES,
    failure_words,
    long_names,
    on_timer,
    provider_name,
    short_names,
    source_name,
    source_title,
    who,
)

#: Up to this many sources each get a block of their own; more become a table.
_SIDE_BY_SIDE = 4
#: Up to this many rows are read from top to bottom.
_READ = 10
#: Failures that wait for a person.
_NEEDS = frozenset({FailureKind.RECONNECT, FailureKind.BROKEN, FailureKind.HELD})
_ORDER = [Freshness.NEVER, Freshness.OVERDUE, Freshness.LATE, Freshness.FRESH]


def needs_person(status: SourceStatus) -> bool:
    """Whether nothing gets better until a person acts."""
    failed = last_failure(status)
    if status.source.on_purpose:
        return False
    return status.source.connection is not ConnectionState.CONNECTED or (failed is not None and failed.kind in _NEEDS)


def last_failure(status: SourceStatus) -> Failure | None:
    """Return the failure of the newest finished run, where it failed."""
    run = status.last_finished
    return run.failure if run and run.state is RunState.FAILED else None


def urgent_first(statuses: Sequence[SourceStatus]) -> list[SourceStatus]:
    """Return the statuses: what needs a person on top, then the stalest, then by name."""
    return sorted(
        statuses,
        key=lambda status: (
            not needs_person(status),
            _ORDER.index(status.freshness),
            source_name(status.source).lower(),
        ),
    )


def status(
    organization: str,
    statuses: Sequence[SourceStatus],
    now: datetime,
    *,
    zone: str = "UTC",
    refresh_value: str | None = None,
    admins: Sequence[str] = (),
    manages: frozenset[Provider] = frozenset(),
) -> Message:
    """Return the state of all sources; with `refresh_value` a button that asks for a refresh.

    `manages`: the reader may reconnect and disconnect the sources of those providers.
    """
    if len(statuses) == 1:
        return source_status(
            organization, statuses[0], now, zone=zone, refresh_value=refresh_value, admins=admins, manages=manages
        )
    ordered = urgent_first(statuses)
    names = short_names([entry.source for entry in ordered])
    parts: list[Part] = [Heading(f"{label(organization)}: {verdict(ordered)}")]
    parts += _asks(ordered, names, admins) + _held(ordered) + _partly(ordered) + _past(ordered, now)
    if len(ordered) <= _SIDE_BY_SIDE:
        for entry in ordered:
            parts += [Paragraph(_line(entry), menu(entry.source, manages)), Facts(status_facts(entry, now))]
    else:
        parts += [_table(ordered, now), *mute_notes([entry.source for entry in ordered], now)]
        parts += menus([entry.source for entry in ordered], manages)
    parts += [Note(words) for entry in ordered[:3] if (words := stretched(entry))]
    parts += [Note(_small_print([entry.source for entry in ordered], now)), *_button(ordered, refresh_value)]
    return Message(
        summary=f"{label(organization)}: {verdict(ordered)}. {stalest(ordered, zone)}",
        parts=tuple(parts),
        kind="status",
    )


def source_status(
    organization: str,
    status: SourceStatus,
    now: datetime,
    *,
    zone: str = "UTC",
    refresh_value: str | None = None,
    admins: Sequence[str] = (),
    manages: frozenset[Provider] = frozenset(),
) -> Message:
    """Return the state of one source."""
    name = provider_name(status.source.provider)
    parts: list[Part] = [Heading(f"{source_title(status.source)}: {fresh_words(status)}")]
    parts += _asks([status], {status.source.id: name}, admins) + _held([status]) + _partly([status])
    parts += _past([status], now)
    rows = (*status_facts(status, now), ("Account", (label(status.source.label),)))
    took = usual(status.duration)
    if took and status.source.connection is not ConnectionState.DISCONNECTED:
        rows += (("A refresh usually takes", took),)
    parts += [Facts(rows)]
    parts += [Note(words) for words in (stretched(status),) if words]
    parts += [Note(_small_print([status.source], now)), *_button([status], refresh_value)]
    if entries := menu(status.source, manages):
        parts.append(Buttons(entries))
    known = status.last_data_refresh
    told = f"data as of {times.absolute(known, zone)}" if known else "no data has been loaded yet"
    if known is None and (partly := lacks(status.last_ready)) is not None:
        told = f"{lost(partly)} was never read"
    state = fresh_words(status) if known or lacks(status.last_ready) else "not ready"
    alarm = (
        f" It is {CONNECTION[status.source.connection]}."
        if status.source.connection is not ConnectionState.CONNECTED
        else ""
    )
    return Message(
        summary=f"{label(organization)}: {name} is {state}, {told}.{alarm}", parts=tuple(parts), kind="status"
    )


def verdict(statuses: Sequence[SourceStatus]) -> str:
    """Return how many are fresh, how many are disconnected, and how many others need a person.

    What is disconnected and fresh is so for now: its data does not get newer.
    """
    if not statuses:
        return "no sources are connected yet"
    partly = sum(lacks(entry.last_ready) is not None for entry in statuses)
    total, fresh = len(statuses), sum(fresh_words(entry) == FRESHNESS[Freshness.FRESH] for entry in statuses)
    needing = [entry for entry in statuses if needs_person(entry)]
    lost = [entry for entry in needing if entry.source.connection is ConnectionState.DISCONNECTED]
    fading = any(fresh_words(entry) == FRESHNESS[Freshness.FRESH] for entry in lost)
    words = f"{fresh} of {total} sources {'is' if fresh == 1 else 'are'} fresh"
    if fresh == total:
        words = "both sources are fresh" if total == 2 else f"all {total} sources are fresh"
    words += " for now" if fading else ""
    words += f", {partly} only in part" if partly else ""
    late = sum(bool(unread(entry.last_ready)) for entry in statuses)
    words += f", {counted(late, 'lacks', 'lack')} older periods" if late else ""
    words += f", {'but ' if fading else ''}{counted(len(lost), 'is disconnected', 'are disconnected')}" if lost else ""
    others = len(needing) - len(lost)
    return f"{words}, {counted(others, 'needs a person', 'need a person')}" if others else words


def stalest(statuses: Sequence[SourceStatus], zone: str) -> str:
    """Return the oldest data that there is, with its source."""
    known = [(entry.last_data_refresh, source_name(entry.source)) for entry in statuses if entry.last_data_refresh]
    if not known:
        return "No data has been loaded yet."
    as_of, name = min(known)
    return f"Oldest data: {name}, as of {times.absolute(as_of, zone)}."


def _asks(statuses: Sequence[SourceStatus], names: dict[str, str], admins: Sequence[str]) -> list[Part]:
    """Return one paragraph for each of the first sources that need a person, and a count of the others."""
    needing = [entry for entry in statuses if needs_person(entry)]
    parts: list[Part] = [Paragraph(ask_words(entry, names[entry.source.id], admins)) for entry in needing[:3]]
    if len(needing) > 3:
        parts.append(
            Note((f"{counted(len(needing) - 3, 'more source needs', 'more sources need')} a person: see below.",))
        )
    return parts


def fresh_words(status: SourceStatus) -> str:
    """Return the word for a source's freshness; what is only partly there is never called fresh without saying so."""
    joint = "but" if status.freshness is Freshness.FRESH else "and"
    return state_words(status) + (f", {joint} older periods are not in yet" if unread(status.last_ready) else "")


def _partly(statuses: Sequence[SourceStatus]) -> list[Part]:
    known = [(entry.source, entry.last_ready) for entry in statuses if entry.last_ready is not None]
    return partly_parts(known, busy={entry.source.id for entry in statuses if entry.active is not None})


def _past(statuses: Sequence[SourceStatus], now: datetime) -> list[Part]:
    known = [(entry.source, entry.last_ready) for entry in statuses if entry.last_ready is not None]
    return past_parts(known, now, active={entry.source.id: entry.active for entry in statuses if entry.active})


def _held(statuses: Sequence[SourceStatus]) -> list[Part]:
    held = [(entry.source, entry.last_finished) for entry in statuses if not entry.active]
    return held_buttons([(source, run) for source, run in held if run is not None])


def ask_words(status: SourceStatus, name: str, admins: Sequence[str]) -> Words:
    """Return what is wrong with a source that needs a person, and the next step."""
    source = status.source
    reason = f" ({label(source.connection_reason).rstrip('.')})" if source.connection_reason else ""
    if source.connection is ConnectionState.DISCONNECTED:
        held = " Its data stays as it was and does not get newer." if status.last_ready else ""
        since: Words = (" is disconnected since ", When(source.connection_since), f"{reason}.{held} ")
        return (Strong(name), *since, f"Next step: {who(admins)} can reconnect it with /data reconnect.")
    if source.connection is ConnectionState.ATTENTION:
        return (
            Strong(name),
            f" works, but its connection needs attention{reason}. ",
            f"Next step: {who(admins)} can reconnect it with /data reconnect.",
        )
    failure = last_failure(status)
    assert failure is not None
    words = failure_words(failure, source, admins)
    waits = status.last_finished.held if status.last_finished is not None else None
    if waits is not None:
        seen = f": the last refresh is held. {held_words(waits)}, so nothing was loaded or replaced."
        return (Strong(name), f"{seen} Next step: {words.next_step}")
    return (
        Strong(name),
        f": the last refresh failed while {STAGES[failure.stage]}. {words.what} Next step: {words.next_step}",
    )


def _line(status: SourceStatus) -> Words:
    name = f"{source_title(status.source)}: {fresh_words(status)}"
    return (Strong(name), f"  {label(status.source.label)}")


def status_facts(status: SourceStatus, now: datetime) -> tuple[tuple[str, Words], ...]:
    """Return the times and states of one source, each with its label."""
    source = status.source
    rows: tuple[tuple[str, Words], ...] = (
        ("Last data refresh (data as of)", as_of(status.last_data_refresh, lacks(status.last_ready), "never", now=now)),
        ("Next collection", next_collection(status, now)),
        ("Running now", doing(status.active, now)),
        ("Connection", _connection(source)),
    )
    return (
        *rows,
        *mute_rows(source, now),
        *frozen_row(status, now),
        *_changes(status),
        *_last_attempt(status.last_finished),
    )


def _changes(status: SourceStatus) -> tuple[tuple[str, Words], ...]:
    """Return the row about what the provider says has changed and is not in the data yet."""
    if not status.changes_wait or status.changed_at is None:
        return ()
    return (("Changed at the provider since", (When(status.changed_at), ", not in the data yet")),)


def _connection(source: Source) -> Words:
    state = CONNECTION[source.connection]
    if source.on_purpose and source.connection_reason:
        return (f"{state}: {label(source.connection_reason)}",)
    since: Words = (
        (" since ", When(source.connection_since)) if source.connection is not ConnectionState.CONNECTED else ()
    )
    return (state, *since)


def _last_attempt(run: Run | None) -> tuple[tuple[str, Words], ...]:
    """Return the row about a newer run that did not become ready; it moved no data."""
    if run is None or run.state is RunState.READY:
        return ()
    stage = f" while {STAGES[run.failure.stage]}" if run.failure else ""
    ended: Words = (" ", When(run.finished_at)) if run.finished_at else ()
    return (("Last attempt", (f"{'failed' if run.failure else 'cancelled'}{stage},", *ended)),)


def _table(statuses: Sequence[SourceStatus], now: datetime) -> Table:
    names = long_names([entry.source for entry in statuses])
    rows = tuple(_row(entry, names[entry.source.id], now) for entry in statuses)
    columns = ("Source", "Data as of", "State", "Connection", "Running now", "Next collection")
    # Few rows are read; many are sorted and searched, where Slack lets people.
    sortable = len(statuses) > _READ
    return Table(f"{len(statuses)} sources, what needs a person first", columns, rows, sortable=sortable)


def _row(status: SourceStatus, name: str, now: datetime) -> tuple[tuple[Inline, ...], ...]:
    source = status.source
    soon: Words = (When(status.next_run_at),) if status.next_run_at else next_collection(status, now)
    # Only the first ones are explained above the table.
    why = "" if source.connection is ConnectionState.CONNECTED else label(source.connection_reason or "", empty="")
    return (
        (name,),
        as_of(status.last_data_refresh, lacks(status.last_ready), "never"),
        (fresh_words(status),),
        (": ".join(filter(None, (CONNECTION[source.connection], why.rstrip(".")))),),
        doing(status.active, now) if status.active else ("–",),
        soon,
    )


def _small_print(sources: Sequence[Source], now: datetime) -> Words:
    """Return when this was true, and what a timer source's times mean."""
    names = listed(sorted({provider_name(source.provider) for source in sources if on_timer(source)}))
    timer = f" {names} is collected by a timer, not by a refresh." if names else ""
    return ("Checked ", When(now), f".{timer} Type ", Code("/data help"), " for more.")


def _button(statuses: Sequence[SourceStatus], value: str | None) -> list[Part]:
    able = [
        entry for entry in statuses if entry.source.connection is not ConnectionState.DISCONNECTED and not entry.active
    ]
    ask = why_buttons([entry.source for entry in statuses if asks_why(entry)])
    if value is None or not able:
        return [Buttons(ask)] if ask else []
    style = ButtonStyle.PRIMARY if any(entry.freshness is not Freshness.FRESH for entry in able) else ButtonStyle.PLAIN
    text = f"Refresh {provider_name(able[0].source.provider)}" if len(statuses) == 1 else "Refresh"
    return [Buttons((Button(text, actions.REFRESH_ASK, value, style), *ask))]


def asks_why(status: SourceStatus) -> bool:
    """Whether anybody would ask why: late, failed, in part, or waiting."""
    late = status.freshness is not Freshness.FRESH or needs_person(status) or last_failure(status) is not None
    waiting = status.active is not None and status.active.next_attempt_at is not None
    return late or waiting or lacks(status.last_ready) is not None
