"""One pair of the exchange, and a file that is held."""

from collections.abc import Collection, Sequence
from datetime import datetime

from storage.facts.exchange import FILES, ExchangeRun, RunState
from storage.facts.exchange_view import ExchangeView, PairView, RunView
from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Code,
    Confirm,
    Facts,
    Heading,
    Message,
    Note,
    Paragraph,
    Part,
    Strong,
    When,
)
from storage.facts.people import Action
from storage.facts.sources import ConnectionState
from templates import actions
from templates.notices.exchange_pieces import dry_run, last_runs, left_out, pausing, switch
from templates.notices.exchange_words import (
    RECORDS,
    came,
    command,
    held_because,
    next_words,
    restored,
    schedule_words,
    stands,
    way,
)
from templates.notices.pieces import Words
from templates.text import counted, label, number, shorten

#: keys that are named
_GONE = 10
#: after these PocketAdvantage has what the run was about
_THERE = frozenset({RunState.DONE, RunState.UNCHANGED})


def pair_card(
    view: ExchangeView,
    one: PairView,
    runs: Sequence[ExchangeRun],
    shown: RunView | None,
    now: datetime,
    *,
    may: Collection[Action],
) -> Message:
    """Return all about one pair: how it stands, its schedule, what was left out, its last runs, what can be done."""
    pair = one.pair
    title = f"{pair.pair.label}, {way(pair.pair)}"
    far, newest = pair.last, next((run for run in runs if run.state in _THERE), None)
    rows: list[tuple[str, Words]] = [
        ("Account", (label(view.source.account),)),
        ("When", (schedule_words(pair.schedule, pair.zone),)),
    ]
    if newest is not None and restored(newest):
        rows.append(("There now", ("an earlier file, put back ", When(newest.finished_at or newest.requested_at))))
    elif far is not None and pair.pair in FILES:
        rows.append(("There now", (f"{counted(far.rows, 'row')}, data as of ", When(far.as_of))))
    rejected = left_out(shown)
    lost = view.source.connection is ConnectionState.DISCONNECTED
    ahead: Words = ("PocketAdvantage is disconnected: nothing runs until it is reconnected.",)
    parts: list[Part] = [
        Heading(title),
        Paragraph(stands(one, now, below=bool(rejected))),
        Paragraph(ahead if lost else next_words(one, now)),
        Facts(tuple(rows)),
    ]
    if one.held is not None:
        parts += _decision(one.held, view.source.account, may)
    parts += rejected
    if runs:
        parts.append(last_runs(runs))
    buttons = _buttons(one, may)
    if buttons:
        parts.append(Buttons(buttons))
    if Action.RUN_EXCHANGE in may:
        timed = f"{command(view.source.account, pair.pair)} schedule {pair.schedule}"
        parts.append(Note(("Another time: ", Code(timed), ".")))
    summary = f"{pair.pair.label}: {_short(one)}."
    return Message(summary, tuple(parts), kind="exchange_pair")


def _short(one: PairView) -> str:
    if one.held is not None:
        return "held for a person, nothing was sent"
    run = one.active or one.last
    return came(run) if run else "has not run yet"


def _buttons(one: PairView, may: Collection[Action]) -> tuple[Button, ...]:
    pair = one.pair
    found: list[Button] = []
    if Action.RUN_EXCHANGE in may and pair.on:
        if one.active is None:
            style = ButtonStyle.PLAIN if one.held else ButtonStyle.PRIMARY
            found += [Button("Start now", actions.EXCHANGE_START, pair.id, style), dry_run(pair)]
        found.append(pausing(pair))
        if pair.pair in FILES:
            found.append(Button("Earlier files", actions.EXCHANGE_VERSIONS, pair.id))
    if Action.CHANGE_EXCHANGE in may:
        found.append(switch(pair))
    if pair.pair in FILES:
        found.append(Button("Mapping", actions.MAPPING_SHOW, pair.id))
    return tuple(found)


def _decision(run: ExchangeRun, account: str, may: Collection[Action]) -> list[Part]:
    held = run.held
    one, many = RECORDS[run.pair]
    gone: Words = ()
    if held is not None and held.gone:
        more = f" and {number(held.gone_count - len(held.gone[:_GONE]))} more" if held.gone_count > _GONE else ""
        names = ", ".join(shorten(label(key), 40) for key in held.gone[:_GONE])
        gone = (f"Not in it any more: {one if held.gone_count == 1 else many} {names}{more}. ",)
    alone = held is not None and held.gone_count == 1
    these = f"this {one} was" if alone else f"these {many} were"
    why: Words = (
        *gone,
        f"If {these} really removed, let it go; if not, look at QuickBooks first.",
        " PocketAdvantage keeps the file that it has until then.",
    )
    if Action.RUN_EXCHANGE not in may:
        look = Code(command(account, run.pair))
        decides: Words = (Strong("Next step: "), "a manager or admin decides: ", look, ".")
        return [Paragraph(why), Paragraph(decides)]
    count = counted(held.after, "row") if held else "it"
    send = Confirm("Send it?", f"{count} take the place of what PocketAdvantage has.", "Send", "Leave it")
    drop = Confirm(
        "Do not send it?", f"This file is put away. The next run makes a new one of each {one}.", "Put away", "Leave it"
    )
    return [
        Paragraph(why),
        Buttons(
            (
                Button("Let it go", actions.EXCHANGE_RELEASE, run.id, ButtonStyle.PRIMARY, send),
                Button("Do not send", actions.EXCHANGE_DISCARD, run.id, confirm=drop),
            )
        ),
    ]


def exchange_held(organization: str, account: str, run: ExchangeRun, *, may: Collection[Action]) -> Message:
    """Return the message that asks a person about a file of a connection that a guard stopped."""
    why = held_because(run.pair, run.held)
    where = f"account {label(account)} of PocketAdvantage"
    summary = f"{label(organization)}: {run.pair.label.lower()} for {where} are held: {why}."
    data: Words = (" Its data is as of ", When(run.as_of), ".") if run.as_of else ()
    parts: list[Part] = [
        Heading(f"{run.pair.label} for PocketAdvantage are held"),
        Paragraph((f"Nothing was sent to account {label(account)}: {why}.", *data)),
        *_decision(run, account, may),
    ]
    subject = f"{label(organization)}: {run.pair.label.lower()} for PocketAdvantage ({label(account)}) are held"
    return Message(summary, tuple(parts), subject, kind="exchange_held")
