"""What several notices of the exchange share: buttons of a pair, records that were left out, runs in a table."""

from collections.abc import Sequence

from storage.facts.exchange import ExchangePair, ExchangeRun, Reject, RunState
from storage.facts.exchange_view import RunView
from storage.facts.messages import (
    Button,
    Paragraph,
    Part,
    Strong,
    Table,
    When,
)
from templates import actions
from templates.notices.exchange_words import (
    began,
    came,
    restored,
)
from templates.text import label, number, shorten

#: rows of the tables
_REJECTS, _RUNS = 10, 8


def dry_run(pair: ExchangePair) -> Button:
    """Return the button that makes the file and sends nothing."""
    return Button("Dry run", actions.EXCHANGE_DRY, pair.id)


def pausing(pair: ExchangePair) -> Button:
    """Return the button that stops it for a while, or lets it run again."""
    if pair.paused_at is not None:
        return Button("Resume", actions.EXCHANGE_RESUME, pair.id)
    return Button("Pause", actions.EXCHANGE_PAUSE, pair.id)


def switch(pair: ExchangePair) -> Button:
    """Return the button that switches it on or off."""
    if pair.on:
        return Button("Switch off", actions.EXCHANGE_OFF, pair.id)
    return Button("Switch on", actions.EXCHANGE_ON, pair.id)


def left_out(shown: RunView | None) -> list[Part]:
    """Return the records that a run left out, with why."""
    if shown is None or not shown.rejects:
        return []
    some = shown.rejects[:_REJECTS]
    of = shown.run.rejected
    caption = f"Left out ({number(len(some))} of {number(of)}):" if of > len(some) else "Left out:"
    # A message has one table at most, and that is the runs.
    return [Paragraph((Strong(caption),), under=tuple((reject_line(each),) for each in some))]


def reject_line(one: Reject) -> str:
    """Return a record that was left out, by its name or number, and why."""
    known = label(one.key)
    if one.name and one.name != one.key:
        known = f"{shorten(label(one.name), 60)} (id {known})"
    return f"{known}{f', {label(one.field)}' if one.field else ''}: {label(one.reason)}"


def last_runs(runs: Sequence[ExchangeRun]) -> Table:
    """Return the last runs, newest first."""
    rows = tuple(
        (
            (When(run.finished_at or run.requested_at),),
            (came(run),),
            (number(run.rows),) if run.state in {RunState.DONE, RunState.DRY} and not restored(run) else (),
            (When(run.as_of),) if run.as_of else (),
            (began(run),),
        )
        for run in runs[:_RUNS]
    )
    return Table("Last runs", ("When", "What came of it", "Rows", "Data as of", "Begun by"), rows, frozenset({2}))
