"""How a pair of the exchange and its runs are told, piece by piece."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from storage.facts.exchange import Direction, ExchangeRun, Guard, Held, Pair, RunState, Schedule, Trigger
from storage.facts.exchange_view import PairView
from storage.facts.messages import Strong, When
from templates import times
from templates.notices.pieces import Words
from templates.rhythm import zone_name
from templates.text import counted, label, listed, number

#: What one record of a pair is called, and several.
RECORDS: Mapping[Pair, tuple[str, str]] = {
    Pair.CUSTOMERS: ("customer", "customers"),
    Pair.ITEMS: ("item", "items"),
    Pair.VENDORS: ("vendor", "vendors"),
    Pair.SALES_REPS: ("sales rep", "sales reps"),
    Pair.INVOICES: ("invoice", "invoices"),
    Pair.ORDERS: ("order", "orders"),
}
#: what is not begun after so long waits, and says so
_MOMENT = timedelta(minutes=1)
#: What began a run, after "by".
_BEGAN = {
    Trigger.SCHEDULE: "the schedule",
    Trigger.PERSON: "a person",
    Trigger.DRY: "a person, as a dry run",
    Trigger.RELEASE: "a person, who let a held file go",
    Trigger.RESTORE: "a person, who put an earlier file back",
    Trigger.REPLAY: "a person, who had it sent again",
}
#: What came of a run, in one cell of a table.
ENDINGS = {
    RunState.QUEUED: "about to begin",
    RunState.WAITING: "waiting",
    RunState.BUILDING: "being prepared",
    RunState.HELD: "held for a person",
    RunState.PUBLISHING: "being sent",
    RunState.DONE: "sent",
    RunState.UNCHANGED: "nothing new",
    RunState.FAILED: "failed",
    RunState.DRY: "dry run, not sent",
    RunState.RELEASED: "was held, then sent by a person",
    RunState.DISCARDED: "was held, not sent",
}


def way(pair: Pair) -> str:
    """Return which way it goes: ``QuickBooks → PocketAdvantage``."""
    out = pair.direction is Direction.OUT
    return "QuickBooks → PocketAdvantage" if out else "PocketAdvantage → QuickBooks"


def command(account: str, pair: Pair) -> str:
    """Return what shows a pair, with its account: without it nobody knows which one where there are several."""
    return f"/data exchange {label(account)} {RECORDS[pair][1]}"


def amount(pair: Pair, count: int) -> str:
    """Return a number of records: ``5,012 customers``."""
    return counted(count, *RECORDS[pair])


def came(run: ExchangeRun) -> str:
    """Return what came of a run, in one cell of a table."""
    return "earlier file put back" if restored(run) else ENDINGS[run.state]


def restored(run: ExchangeRun) -> bool:
    """Whether it put an earlier file in the place of a newer one."""
    return run.trigger is Trigger.RESTORE and run.state is RunState.DONE


def began(run: ExchangeRun) -> str:
    """Return what began it."""
    return _BEGAN[run.trigger]


def schedule_words(schedule: Schedule, zone: str) -> str:
    """Return when a pair runs: ``every night at 02:00, between 01:00 and 05:00 (America/New_York)``."""
    words = f"every night at {schedule.at:%H:%M}" if schedule.at is not None else times.every(schedule.every or 0)
    inside = f", between {schedule.window[0]:%H:%M} and {schedule.window[1]:%H:%M}" if schedule.window else ""
    local = f" ({zone_name(zone)})" if schedule.at is not None or schedule.window else ""
    return f"{words}{inside}{local}"


def stands(view: PairView, now: datetime, *, below: bool = False) -> Words:
    """Return in a sentence or two how a pair stands: what holds it first, else what it did last.

    `below`: what was left out stands below it.
    """
    if view.held is not None:
        return held_words(view.held)
    if view.active is not None:
        return doing(view.active, now)
    missing: Words = ()
    if view.pair.missed_since is not None:
        missing = (Strong("Missed:"), " nothing was sent since ", When(view.pair.missed_since), ". ")
    if view.last is None:
        return (*missing, "It has not run yet.")
    return (*missing, *ended(view.last, below=below))


def doing(run: ExchangeRun, now: datetime) -> Words:
    """Return what a run that is not over does now."""
    if run.state is RunState.WAITING:
        why = label(run.why).rstrip(".") or "for its next attempt"
        again: Words = (" It is looked at again, next ", When(run.next_at, now), ".") if run.next_at else ()
        return (Strong("Waiting"), " since ", When(run.requested_at), f": {why}.", *again)
    if begins_now(run, now):
        return ("It begins in a moment.",)
    if run.state is RunState.QUEUED:
        others = ": others are exchanged first. It begins by itself, as soon as a place is free."
        return (Strong("Waiting"), " for its turn, asked for ", When(run.requested_at), others)
    return (f"{ENDINGS[run.state].capitalize()} since ", When(run.started_at or run.requested_at), ".")


def begins_now(run: ExchangeRun, now: datetime) -> bool:
    """Whether a run was asked for just now; what is not begun later waits for its turn."""
    return run.state is RunState.QUEUED and now - run.requested_at < _MOMENT


def held_words(run: ExchangeRun) -> Words:
    """Return why a file is held, and what the far side has meanwhile."""
    return (Strong("Held, nothing was sent:"), f" {held_because(run.pair, run.held)}. A person decides.")


def held_because(pair: Pair, held: Held | None) -> str:
    """Return what a guard found: ``3,100 rows instead of 5,012, 38 % fewer``."""
    if held is None:
        return "a check stopped it"
    if held.guard is Guard.EMPTY:
        before = f", and {counted(held.before, 'row')} were sent last" if held.before else ""
        return f"there are no {RECORDS[pair][1]} in QuickBooks at all{before}"
    fewer = f", {100 * (held.before - held.after) // held.before} % fewer" if held.before else ""
    return f"the file has {counted(held.after, 'row')} instead of {number(held.before)}{fewer}"


def ended(run: ExchangeRun, *, below: bool = False) -> Words:
    """Return what came of a run that is over; `below`: what it left out stands below."""
    at: Words = (When(run.finished_at or run.requested_at),)
    data: Words = (", data as of ", When(run.as_of)) if run.as_of else ()
    if restored(run):
        gap = " For a moment there was no file of that name." if run.gap else ""
        return (f"An earlier file was put back.{gap} Ended ", *at, ". The next run sends the newest data again.")
    match run.state:
        case RunState.DONE:
            return (_done(run), *_noted(run), " Ended ", *at, *data, ".", *_left_out(run, below=below))
        case RunState.UNCHANGED:
            nothing = "No order went" if run.pair is Pair.ORDERS else "Nothing was new, so nothing was sent"
            where = " into QuickBooks" if run.pair is Pair.ORDERS else ""
            return (f"{nothing}{where}.", *_noted(run), " Checked ", *at, *data, ".", *_left_out(run, below=below))
        case RunState.DRY:
            return (
                f"Dry run: {amount(run.pair, run.rows)} would be sent. Ended ",
                *at,
                *data,
                ".",
                *_left_out(run, below=below),
            )
        case RunState.DISCARDED | RunState.RELEASED:
            said = "not sent" if run.state is RunState.DISCARDED else "let go by a person"
            return (f"A held file was {said}. Ended ", *at, ".")
        case _:
            why = label(run.why).rstrip(".") or "Tidings' operators can see why"
            # Orders that went before it could not go on are in QuickBooks.
            went = f" {_done(run)}" if run.pair is Pair.ORDERS and run.counts.touched else ""
            return (Strong("Failed"), " ", *at, f": {why}.{went}", *_left_out(run, below=below))


def _done(run: ExchangeRun) -> str:
    counts = ((run.counts.added, "new"), (run.counts.updated, "changed"), (run.counts.removed, "gone"))
    kinds = [f"{number(count)} {what}" for count, what in counts if count]
    changes = ", ".join(kinds)
    if run.pair is Pair.ORDERS:
        return f"{amount(run.pair, run.counts.touched)} went into QuickBooks{f': {changes}' if changes else ''}."
    late = " later than planned" if run.late else ""
    gap = " The server cannot replace files: for a moment there was none of that name." if run.gap else ""
    if run.pair is Pair.INVOICES and not run.rows and not run.rejected:
        return f"Nothing was new: a file without rows was sent{late}.{gap}"
    rows = counted(run.rows, "row") if run.rows else "A file without rows was"
    if run.pair is Pair.INVOICES and kinds:
        # An invoice has a row for each line.
        return f"{rows} sent{late}, of {listed(kinds)} {RECORDS[run.pair][run.counts.touched != 1]}.{gap}"
    return f"{rows} sent{late}{f': {changes}' if changes else ''}.{gap}"


def _noted(run: ExchangeRun) -> Words:
    """Return what is to be known of a run beside what it brought."""
    return (f" {label(run.note).rstrip('.')[:1].upper()}{label(run.note).rstrip('.')[1:]}.",) if run.note else ()


def _left_out(run: ExchangeRun, *, below: bool) -> Words:
    if not run.rejected:
        return ()
    verb = "was" if run.rejected == 1 else "were"
    where = "below" if below else "in its details"
    return (" ", Strong(f"{amount(run.pair, run.rejected)} {verb} left out"), f"; the reasons are {where}.")


def next_words(view: PairView, now: datetime) -> Words:
    """Return when it runs next by itself and by when that is over, or why it does not."""
    pair = view.pair
    if not pair.on:
        return ("Switched off.",)
    if pair.paused_at is not None:
        by = f" by {label(pair.paused_by)}" if pair.paused_by else ""
        return (Strong("Paused"), f"{by} since ", When(pair.paused_at), ".")
    if pair.due_at is None:
        return ("No next run is planned.",)
    runs: Words = ("It runs next ", When(pair.due_at, now))
    if view.expected_by is None:
        return (*runs, ".")
    if view.active is not None:
        return ("It has until ", When(view.expected_by), ", and is told as missing after that. ", *runs, ".")
    return (*runs, ", to be over by ", When(view.expected_by), ".")
