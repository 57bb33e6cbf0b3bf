"""Once more, because a person wants it: the orders of an earlier run, and invoices that the other side did not take."""

from collections.abc import Collection, Sequence
from datetime import date

from storage.facts.exchange import ExchangeRun, RunState, Trigger
from storage.facts.exchange_view import PairView
from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Code,
    Confirm,
    Heading,
    Message,
    Note,
    Paragraph,
    Part,
    Strong,
    When,
)
from storage.facts.people import Action
from templates import actions, times
from templates.notices.answers import tell
from templates.notices.pieces import Words
from templates.text import counted

_RUNS = 8
_ENDED = (RunState.DONE, RunState.UNCHANGED, RunState.FAILED)
_WHAT = (
    "Each order of the run is looked for in QuickBooks first. What is there is not made again: it stays, or becomes"
    " what the order says now. What is missing is sent once more."
)
_REPLAY = Confirm("Take these orders again?", _WHAT, "Take them again", "Leave it")


def exchange_replays(runs: Sequence[ExchangeRun], *, may: Collection[Action]) -> Message:
    """Return the runs that had orders, each with the button that takes them again, and what that does."""
    found = [run for run in runs if run.state in _ENDED and run.trigger is not Trigger.DRY and _had(run)][:_RUNS]
    if not found:
        summary = "No recent run had orders that could be taken again."
        how: Words = ("One order by its number: ", Code("/data exchange orders SO-1042"), ".")
        return tell(summary, how, kind="exchange_again")
    parts: list[Part] = [Heading("Take the orders of a run again"), Paragraph((_WHAT,))]
    for run in found:
        button = Button("Take them again", actions.EXCHANGE_REPLAY, run.id, confirm=_REPLAY)
        ended: Words = ("Ended ", When(run.finished_at or run.requested_at), f": {_counts(run)}.")
        parts.append(Paragraph(ended, menu=(button,) if Action.RUN_EXCHANGE in may else ()))
    parts.append(Note(("One order by its number: ", Code("/data exchange orders SO-1042"), ".")))
    return Message(f"{counted(len(found), 'recent run')} had orders.", tuple(parts), kind="exchange_again")


def _had(run: ExchangeRun) -> bool:
    return bool(run.counts.touched or run.rejected)


def _counts(run: ExchangeRun) -> str:
    went = f"{counted(run.counts.touched, 'order')} went into QuickBooks"
    return f"{went}, {run.rejected} did not" if run.rejected else went


def exchange_resend(one: PairView, day: date, count: int) -> Message:
    """Return what sending invoices again would come to; nothing is changed yet."""
    since = times.day(day)
    if not count:
        summary = "No invoice went in that night or after it. Nothing was done."
        return tell(summary, (f"Asked for: the night of {since}. ", *_another()), kind="exchange_again")
    title = f"Send {counted(count, 'invoice')} again?"
    what = (
        f"All that went in the night of {since} and after it is put into one file, as it stands in QuickBooks now, and"
        " takes the place of invoice.fil at once. Voided and deleted ones are in it, too."
    )
    ask = Confirm("Send them again?", f"{counted(count, 'invoice')} go in one file, now.", "Send them", "Leave it")
    value = f"{one.pair.id} {day.isoformat()}"
    buttons = (
        Button("Send them again", actions.EXCHANGE_RESEND, value, ButtonStyle.PRIMARY, ask),
        Button("Leave it", actions.REFRESH_DISMISS),
    )
    parts: tuple[Part, ...] = (
        Heading(title),
        Paragraph((f"{what} ", Strong("Nothing is changed yet."))),
        Paragraph(("Let the other side take each by its TXN_ID and REVISION: some of them it may have already.",)),
        Buttons(buttons),
    )
    return Message(f"{title} Nothing is changed yet.", parts, kind="exchange_again")


def exchange_resend_how(one: PairView) -> Message:
    """Return how invoices are sent again, and that other files need nothing of the kind."""
    pair = one.pair.pair
    if pair.value != "invoices":
        summary = f"{pair.label} need not be sent again: each file has all of them."
        return tell(summary, ("Start it to send the newest: ", Code(f"/data exchange {pair.label.lower()} start"), "."),
                    kind="exchange_again")  # fmt: skip
    summary = "Since which night are invoices to be sent again? Nothing was done."
    return tell(summary, _another(), kind="exchange_again")


def _another() -> Words:
    command = Code("/data exchange invoices again since 2026-11-18")
    return ("Say its date, year first: ", command, ". What it comes to is shown first.")
