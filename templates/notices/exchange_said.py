"""Answers about the exchange: what was begun, what came of it, what was changed, earlier files, how to write it."""

from collections.abc import Collection, Sequence
from datetime import datetime

from storage.facts.exchange import ExchangeRun, Pair, RunState
from storage.facts.exchange_view import ExchangeView, FileVersion, PairView, RunView
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
    Table,
    When,
)
from storage.facts.people import Action
from templates import actions, times
from templates.notices.answers import tell
from templates.notices.exchange_pieces import last_runs, left_out
from templates.notices.exchange_words import (
    RECORDS,
    begins_now,
    came,
    command,
    doing,
    ended,
    held_because,
    next_words,
    schedule_words,
)
from templates.notices.pieces import Words
from templates.rhythm import zone_name
from templates.text import counted, label, listed, number, shorten
from templates.words import source_title

_VERSIONS = 10
_SIZES = ((1_000_000, "MB"), (1_000, "kB"))


def exchange_started(run: ExchangeRun, now: datetime, account: str = "") -> Message:
    """Return the answer while a run that somebody began is under way; `account` where there are several."""
    name = _name(run.pair, account)
    dry = " Nothing is sent by a dry run." if run.state is not RunState.DRY and "dry" in run.trigger else ""
    if begins_now(run, now):
        return tell(f"{name}: it begins in a moment.{dry}", _details(run.pair, account), kind="exchange_run")
    # Whoever wants what somebody wanted before is told of that run, which may wait for hours.
    waits = run.state in {RunState.QUEUED, RunState.WAITING}
    summary = f"{name}: it {'waits' if waits else 'has begun'}.{dry}"
    return tell(summary, doing(run, now), _details(run.pair, account), kind="exchange_run")


def exchange_ended(shown: RunView, account: str = "") -> Message:
    """Return what came of a run; `account` where there are several, or may be."""
    run = shown.run
    name = _name(run.pair, account)
    if run.state is RunState.HELD:
        summary = f"{name}: held, nothing was sent."
        words: Words = (
            f"{held_because(run.pair, run.held).capitalize()}. A person decides. ",
            *_details(run.pair, account),
        )
        return tell(summary, words, kind="exchange_run")
    summary = f"{name}: {came(run)}."
    rejected = left_out(shown)
    told = tell(summary, ended(run, below=bool(rejected)), kind="exchange_run")
    ahead = [Paragraph(_after_failure(shown, account))] if run.state is RunState.FAILED else []
    return Message(summary, (*told.parts, *rejected, *ahead), kind="exchange_run")


def _after_failure(shown: RunView, account: str) -> Words:
    """Return when it is tried again by itself, and the one next step."""
    pair = shown.pair
    if shown.lost:
        why = "PocketAdvantage is disconnected: nothing runs until it is reconnected. "
        return (why, Strong("Next step: "), "reconnect it, from here: ", Code("/data exchange"), ".")
    again: Words = ("It runs next ", When(pair.due_at), ". ") if pair.runs and pair.due_at else ()
    step: Words = (Strong("Next step: "), "look how it stands, and start it from there: ")
    return (*again, *step, Code(_look(pair.pair, account)), ".")


def _name(pair: Pair, account: str) -> str:
    return f"{pair.label} of account {label(account)}" if account else pair.label


def _details(pair: Pair, account: str) -> Words:
    return ("How it stands: ", Code(_look(pair, account)), ".")


def _look(pair: Pair, account: str) -> str:
    return command(account, pair) if account else f"/data exchange {RECORDS[pair][1]}"


def exchange_changed(one: PairView, what: str, now: datetime) -> Message:
    """Return what was done with a pair: ``paused``, ``resumed``, ``switched on``."""
    summary = f"{one.pair.pair.label}: {what}."
    more = (next_words(one, now),) if one.pair.runs else ()
    return tell(summary, *more, kind="exchange_changed")


def exchange_company(view: ExchangeView) -> Message:
    """Return the answer to whoever chose whose records go over a connection."""
    company = source_title(view.books) if view.books else "the QuickBooks company"
    summary = f"{company} it is: files for account {label(view.source.account)} are made of its records."
    words: Words = ("Every pair is off, and nothing was sent. ", Strong("Next step: "), "switch pairs on in ",
                    Code("/data exchange"), ".")  # fmt: skip
    return tell(summary, words, kind="exchange_changed")


def exchange_discarded(run: ExchangeRun) -> Message:
    """Return the answer to whoever decided that a held file does not go."""
    summary = f"{run.pair.label}: the held file is not sent."
    return tell(
        summary, ("PocketAdvantage keeps what it has. The next run makes a new file.",), kind="exchange_changed"
    )


def exchange_versions(one: PairView, found: Sequence[FileVersion], *, may: Collection[Action]) -> Message:
    """Return the earlier files of a pair, each with the button that puts it back."""
    name = one.pair.pair.label
    if not found:
        summary = f"{name}: there are no earlier files yet."
        return tell(summary, ("Each file that is replaced is kept, 30 of them.",), kind="exchange_versions")
    parts: list[Part] = [
        Heading(f"Earlier files of {name.lower()}"),
        Paragraph(("The file that lies there now is kept among them when an earlier one takes its place.",)),
    ]
    for each in found[:_VERSIONS]:
        ask = Confirm(
            "Put this file back?",
            "PocketAdvantage reads it instead of the newer one, until the next run sends a new file.",
            "Put it back",
            "Leave it",
        )
        button = Button("Put it back", actions.EXCHANGE_RESTORE, f"{one.pair.id} {each.name}", confirm=ask)
        words: Words = ("Replaced ", When(each.at), f", {_size(each.size)}")
        parts.append(Paragraph(words, menu=(button,) if Action.RUN_EXCHANGE in may else ()))
    left = len(found) - _VERSIONS
    if left > 0:
        parts.append(Note((f"{number(left)} older ones are kept, too.",)))
    return Message(f"{name}: {counted(len(found), 'earlier file')}.", tuple(parts), kind="exchange_versions")


def _size(size: int) -> str:
    for least, unit in _SIZES:
        if size >= least:
            return f"{size / least:.1f} {unit}"
    return counted(size, "byte")


def exchange_schedule(one: PairView, words: str, upcoming: Sequence[datetime], *, value: str) -> Message:
    """Return the card that shows what another schedule would mean; `value` is for its button."""
    pair = one.pair
    title = f"{pair.pair.label}: run {words}?"
    local = [f"{at.astimezone(times.zone_of(pair.zone)):%a} {times.absolute(at, pair.zone)}" for at in upcoming]
    rows = tuple(((there,), (When(at),)) for there, at in zip(local, upcoming, strict=True))
    parts: list[Part] = [
        Heading(title),
        Paragraph((Strong("Now: "), f"{schedule_words(pair.schedule, pair.zone)}. Nothing is changed yet.")),
    ]
    if rows:
        parts.append(Table("The next runs", (zone_name(pair.zone), "For you"), rows))
    buttons = (
        Button("Use this schedule", actions.EXCHANGE_SCHEDULE, value, ButtonStyle.PRIMARY),
        Button("Leave it", actions.REFRESH_DISMISS),
    )
    parts.append(Buttons(buttons))
    return Message(f"{title} Nothing is changed yet.", tuple(parts), kind="exchange_schedule")


def exchange_refused(why: str) -> Message:
    """Return why something was not done."""
    summary = f"{shorten(label(why).rstrip('.'), 200)}. Nothing was done."
    return tell(summary, kind="exchange_refused")


def exchange_which(views: Sequence[ExchangeView]) -> Message:
    """Return the answer where several connections have the pair that was named."""
    summary = "There are several connections to PocketAdvantage. Which one? Nothing was done."
    accounts = sorted(label(view.source.account) for view in views)
    words: Words = (f"Put its account before the pair: {listed(accounts)}. For example ",)
    return tell(summary, (*words, Code(f"/data exchange {accounts[0]} customers"), "."), kind="exchange_usage")


def exchange_usage(said: str = "") -> Message:
    """Return how the command is written; `said` is what was not understood."""
    odd = f"“{shorten(label(said), 80)}” means nothing to the exchange. Nothing was done."
    summary = odd if said else "What can be typed about the exchange with PocketAdvantage."
    one = "/data exchange customers"
    pairs = listed([RECORDS[pair][1] for pair in Pair], joint="or", most=len(Pair))
    lines: tuple[Words, ...] = (
        (Code("/data exchange"), ": how everything stands; with an account behind it, that one."),
        (Code(one), f": one of {pairs}. Behind it:"),
        (Code("start"), " runs it now, ", Code("dry run"), " makes the file and sends nothing."),
        (Code("pause"), ", ", Code("resume"), ", ", Code("on"), ", ", Code("off"), ": whether it runs by itself."),
        (Code("schedule nightly 02:00 within 01:00-05:00"), ": when it runs."),
        (Code("history"), ", ", Code("files"), ", ", Code("mapping"), ": its runs, earlier files, what is in them."),
        (Code("/data exchange invoices again since 2026-11-18"), ": sends what went since that night once more."),
        (
            Code("/data exchange orders SO-1042"),
            ": what became of an order; ",
            Code("orders again"),
            ": those of a run.",
        ),
        ("For admins: ", Code("/data exchange allow orders"), " and ", Code("/data exchange desktop"), "."),
    )
    return Message(summary, (Paragraph((Strong(summary),), under=lines),), kind="exchange_usage")


def exchange_history(one: PairView, runs: Sequence[ExchangeRun]) -> Message:
    """Return the last runs of a pair."""
    name = one.pair.pair.label
    if not runs:
        start: Words = ("A manager starts one: ", Code(f"/data exchange {name.lower()} start"), ".")
        return tell(f"{name}: no run yet.", start, kind="exchange_history")
    summary = f"{name}: the last {counted(len(runs), 'run')}."
    problems = [run for run in runs if run.state is RunState.FAILED]
    parts: list[Part] = [Heading(f"Runs of {name.lower()}"), last_runs(runs)]
    if problems:
        why = label(problems[0].why).rstrip(".")
        parts.append(
            Paragraph(
                (
                    Strong("The last failure: "),
                    f"{why}, as of ",
                    When(problems[0].finished_at or problems[0].requested_at),
                    ".",
                )
            )
        )
    return Message(summary, tuple(parts), kind="exchange_history")
