"""What short answers are made of: a sentence, the facts behind it, when that was looked at, and the next step."""

from collections.abc import Callable, Sequence
from datetime import datetime

from storage.facts.messages import Button, Buttons, Facts, Message, Note, Paragraph, Part, Strong, Table, When
from storage.facts.sources import ConnectionState
from storage.facts.status import SourceStatus
from templates import actions
from templates.notices.pieces import Words
from templates.text import counted, listed
from templates.words import provider_name, short_names

Cells = Callable[[SourceStatus], tuple[Words, ...]]
#: rows of an answer; how many more there are is said
_MOST = 50


def short_answer(
    summary: str, parts: Sequence[Part], now: datetime, buttons: Sequence[Button] = (), note: Words = ()
) -> Message:
    """Return an answer: the sentence, what it rests on, when that was looked at, and the next step."""
    small: Words = ("Checked ", When(now), ".", *((" ", *note) if note else ()))
    row = [Buttons(tuple(buttons))] if buttons else []
    return Message(summary, (Paragraph((Strong(summary),)), *parts, Note(small), *row), kind="answer")


def listing(statuses: Sequence[SourceStatus], columns: tuple[str, ...], cells: Cells) -> list[Part]:
    """Return the facts of one source side by side, or a table of many."""
    if len(statuses) == 1:
        return [Facts(tuple(zip(columns, cells(statuses[0]), strict=True)))]
    names = short_names([entry.source for entry in statuses])
    rows = tuple(((names[entry.source.id],), *cells(entry)) for entry in statuses[:_MOST])
    parts: list[Part] = [Table(counted(len(statuses), "source"), ("Source", *columns), rows)] if rows else []
    more = len(statuses) - _MOST
    return [*parts, Note((f"{counted(more, 'more source')}: /data status shows all.",))] if more > 0 else parts


def name_of(entry: SourceStatus, statuses: Sequence[SourceStatus]) -> str:
    """Return what a source is called among these."""
    return short_names([one.source for one in statuses])[entry.source.id]


def names_listed(some: Sequence[SourceStatus], statuses: Sequence[SourceStatus]) -> str:
    """Return the names of some of these sources."""
    names = short_names([one.source for one in statuses])
    return listed([names[entry.source.id] for entry in some])


def every(statuses: Sequence[SourceStatus]) -> str:
    """Return what all of these sources are called together."""
    if len(statuses) == 1:
        return name_of(statuses[0], statuses)
    if len(statuses) == 2:
        return "Both sources"
    return f"All {counted(len(statuses), 'source')}" if statuses else "No sources are connected yet"


def is_collected(entry: SourceStatus) -> bool:
    """Whether the source is read at all."""
    return entry.source.connection is not ConnectionState.DISCONNECTED


def refresh_button(statuses: Sequence[SourceStatus], value: str | None) -> tuple[Button, ...]:
    """Return the button that asks whether to refresh; none where there is nothing to refresh."""
    able = [entry for entry in statuses if is_collected(entry) and entry.active is None]
    if value is None or not able:
        return ()
    text = f"Refresh {provider_name(able[0].source.provider)}" if len(statuses) == 1 else "Refresh"
    return (Button(text, actions.REFRESH_ASK, value),)
