"""Who started refreshes, and what came in a time that was named: answered from the runs themselves."""

import re
from collections.abc import Sequence
from datetime import datetime

from storage.facts.begun import Begun
from storage.facts.messages import Code, Message, Note, Paragraph, Part, Strong, Table, When
from storage.facts.runs import RunState, Trigger
from storage.facts.sources import Source
from templates import times
from templates.notices.pieces import Words, touched
from templates.text import counted, label, listed
from templates.words import run_words, short_names

_MOST = 10
_ID = re.compile(r"[UW][A-Z0-9]{5,}")


def who_started(
    sources: Sequence[Source], begun: Sequence[Begun], now: datetime, zone: str, *,
    person: str | None = None, when: str = "", cut: bool = False,
) -> Message:  # fmt: skip
    """Return who started these runs, newest first; with `person`, first whether they did.

    `when` names the time that was asked for.
    `cut`: there are older runs of that time that were not looked at.
    """
    names = short_names(sources)
    told = f" {when}" if when else ""
    theirs = [one for one in begun if person is not None and is_of(one, person)]
    if not begun:
        which = names[sources[0].id] if len(sources) == 1 else f"any of {counted(len(sources), 'source')}"
        summary = f"No refresh of {which} was started{told}."
    elif person is not None and not theirs:
        of = "" if len(sources) > 1 else f" of {names[sources[0].id]}"
        summary = f"No: no refresh{of} was started by {_called(person)}{told or ' lately'}."
    else:
        newest = (theirs or begun)[0]
        yes = "Yes: the" if theirs else "The"
        asked = times.absolute(newest.run.clocks.requested_at, zone)
        summary = (
            f"{yes} newest refresh of {names[newest.run.source_id]} was started by {_who(newest)}, asked for {asked}."
        )
    listing = theirs or list(begun)
    rows = tuple(
        (
            (names[one.run.source_id],),
            (_who(one),),
            (When(one.run.clocks.requested_at),),
            (run_words(one.run) if one.run.state.active else _ended(one),),
        )
        for one in listing[:_MOST]
    )
    parts: list[Part] = [Paragraph((Strong(summary),))]
    if rows:
        parts.append(Table("Refreshes, newest first", ("Source", "Started by", "Asked for", "State"), rows))
    return Message(summary, (*parts, _small(now, cut=cut)), kind="answer")


def changed_since(
    sources: Sequence[Source], begun: Sequence[Begun], now: datetime, *, when: str, cut: bool = False
) -> Message:
    """Return what the runs that became ready in a time did to the rows, source by source."""
    names = short_names(sources)
    ready = [one.run for one in begun if one.run.state is RunState.READY]
    new = sum(count.new for run in ready for count in run.counts.values())
    changed = sum(count.changed for run in ready for count in run.counts.values())
    deleted = sum(count.deleted for run in ready for count in run.counts.values())
    which = names[sources[0].id] if len(sources) == 1 else counted(len(sources), "source")
    rows_told = f"{new:,} new, {changed:,} changed, {deleted:,} deleted"
    summary = f"{which}, {when}: {rows_told} in {counted(len(ready), 'refresh', 'refreshes')}."
    if not ready:
        summary = f"{which}, {when}: no refresh became ready, so nothing changed here."
    rows = tuple(
        ((names[run.source_id],), (When(run.clocks.ready_at or run.clocks.requested_at),), (touched(run),))
        for run in ready[:_MOST]
    )
    parts: list[Part] = [Paragraph((Strong(summary),))]
    if rows:
        parts.append(Table("Refreshes, newest first", ("Source", "Ready to import", "Rows"), rows))
    return Message(summary, (*parts, _small(now, cut=cut)), kind="answer")


def period(start: datetime | None, end: datetime | None, at: datetime | None, zone: str) -> str:
    """Return a time that was asked for, as what was understood: exact, with its zone."""
    if at is not None:
        return f"at {times.absolute(at, zone)}"
    if start is not None and end is not None:
        return f"from {times.absolute(start, zone)} to {times.absolute(end, zone)}"
    return (
        f"since {times.absolute(start, zone)}"
        if start is not None
        else f"until {times.absolute(end, zone)}"
        if end
        else ""
    )


def is_of(begun: Begun, person: str) -> bool:
    """Whether a person of that name, first name or id asked for the run or joined it."""
    said = person.casefold()
    return any(
        said in (one.name.casefold(), one.user_id.casefold(), *one.name.casefold().split()) for one in begun.people
    )


def _called(person: str) -> str:
    """Return a name; who was mentioned and is not known by name is "that person"."""
    return "that person" if _ID.fullmatch(person) else label(person)


def _who(begun: Begun) -> str:
    people = [label(one.name) for one in begun.people]
    if begun.run.trigger is Trigger.REQUEST:
        first, others = (people[0], people[1:]) if people else ("a person", [])
        return f"{first} (joined by {listed(others, most=3)})" if others else first
    firsts = (Trigger.FIRST_READ, Trigger.OLDER)
    by = "Tidings itself, to read it for the first time" if begun.run.trigger in firsts else "the schedule"
    return f"{by} (joined by {listed(people, most=3)})" if people else by


def _ended(begun: Begun) -> str:
    return {RunState.READY: "ready to import", RunState.FAILED: "failed", RunState.CANCELLED: "cancelled"}.get(
        begun.run.state, begun.run.state.value
    )


def _small(now: datetime, *, cut: bool) -> Note:
    more: Words = ("Only the newest 50 runs were looked at. ",) if cut else ()
    return Note((*more, "Checked ", When(now), ". All of them: ", Code("/data history"), "."))
