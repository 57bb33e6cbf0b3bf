"""The exchange with PocketAdvantage in Slack: the process map."""

from collections.abc import Collection, Sequence
from datetime import datetime

from storage.facts.exchange import Pair, RunState
from storage.facts.exchange_view import ExchangeView, PairView
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
    Rule,
    Sign,
    Strong,
    When,
)
from storage.facts.people import Action
from storage.facts.sources import ConnectionState, Source
from templates import actions
from templates.notices.answers import tell
from templates.notices.exchange_pieces import dry_run, pausing, switch
from templates.notices.exchange_words import (
    command,
    next_words,
    stands,
    way,
)
from templates.notices.pieces import Words, reconnect_button
from templates.text import counted, full_stop, label, listed, shorten
from templates.words import source_title, who


def exchange_map(
    organization: str, views: Sequence[ExchangeView], now: datetime, *, may: Collection[Action], admins: Sequence[str]
) -> Message:
    """Return the process map: each arrow with what it did last, what holds it, and when it goes next."""
    if not views:
        return _not_connected(organization, may, admins)
    parts: list[Part] = [Heading("Exchange with PocketAdvantage")]
    for view in sorted(views, key=lambda view: view.source.account):
        parts += [Rule()] if len(parts) > 1 else []
        parts += _one_connection(view, now, may) if view.pairs else _without_books(view, may, admins)
    parts.append(_more(views))
    return Message(_map_summary(organization, views), tuple(parts), kind="exchange")


def _more(views: Sequence[ExchangeView]) -> Note:
    """Return what to type next."""
    first = min(view.source.account for view in views)
    look, made = Code(command(first, Pair.CUSTOMERS)), Code("/data exchange customers mapping")
    return Note(("More of one: ", look, ". What a file is made of: ", made, "."))


def _not_connected(organization: str, may: Collection[Action], admins: Sequence[str]) -> Message:
    summary = f"{label(organization)}: PocketAdvantage is not connected, so nothing is exchanged with it."
    if Action.CONNECT in may:
        step: Words = (Strong("Next step: "), "connect it, with the button or with ", Code("/data connect"), ".")
        told = tell(summary, step, kind="exchange")
        button = Button("Connect", actions.CONNECT_ASK, "", ButtonStyle.PRIMARY)
        return Message(summary, (*told.parts, Buttons((button,))), kind="exchange")
    step = (Strong("Next step: "), f"ask {who(admins)} to connect it.")
    return tell(summary, step, kind="exchange")


#: buttons side by side
_BESIDE = 5


def _map_summary(organization: str, views: Sequence[ExchangeView]) -> str:
    arrows = [one for view in views for one in view.pairs]
    held = [one for one in arrows if one.held]
    failed = [one for one in arrows if one.last and one.last.state is RunState.FAILED]
    missed = [one for one in arrows if one.pair.missed_since]
    lost = [view for view in views if view.source.connection is ConnectionState.DISCONNECTED]
    who_ = label(organization)
    if lost:
        return f"{who_}: PocketAdvantage is disconnected, so nothing is exchanged."
    unclear = [view for view in views if not view.pairs]
    if unclear:
        accounts = listed([label(view.source.account) for view in unclear])
        what = "chosen" if any(view.companies for view in unclear) else "connected"
        return f"{who_}: nothing goes to {accounts} before a QuickBooks company is {what}."
    if held:
        return f"{who_}: {_names(held)} are held and wait for a decision."
    if failed or missed:
        odd = failed or missed
        return f"{who_}: the last run of {_names(odd)} {'failed' if failed else 'is missing'}."
    on = [one for one in arrows if one.pair.runs]
    if not on:
        return f"{who_}: PocketAdvantage is connected, and no pair is switched on."
    return f"{who_}: {counted(len(on), 'pair')} of the exchange with PocketAdvantage {_is(on)} on."


def _names(arrows: Sequence[PairView]) -> str:
    # Two connections may have the same trouble; each pair is named once.
    return listed(list(dict.fromkeys(one.pair.pair.label.lower() for one in arrows)))


def _is(found: Sequence[object]) -> str:
    return "is" if len(found) == 1 else "are"


def _one_connection(view: ExchangeView, now: datetime, may: Collection[Action]) -> list[Part]:
    books = source_title(view.books) if view.books else "no QuickBooks company"
    account = Strong(f"Account {label(view.source.account)}")
    head: Words = (account, full_stop(f": {books} ⇄ {source_title(view.source)}"))
    data: Words = (" QuickBooks' data is as of ", When(view.as_of, now), ".") if view.as_of else ()
    parts: list[Part] = [Paragraph((*head, *data))]
    parts += _lost(view.source)
    lost = view.source.connection is ConnectionState.DISCONNECTED
    parts += [_arrow(one, now, may, lost=lost) for one in view.pairs]
    if not view.may_write and any(one.pair.pair is Pair.ORDERS and one.pair.on for one in view.pairs):
        words: Words = (
            Strong("Orders wait:"),
            " Tidings may not create orders in QuickBooks yet. An admin allows it with ",
            Code("/data exchange allow orders"),
            ".",
        )
        parts.append(Paragraph(words))
    return parts


def _without_books(view: ExchangeView, may: Collection[Action], admins: Sequence[str]) -> list[Part]:
    """Ask whose records go there: it must never be guessed."""
    account = label(view.source.account)
    head: Words = (Sign("warning"), " ", Strong(source_title(view.source)), f", account {account}. ")
    if not view.companies:
        why = "Nothing is exchanged with it: no QuickBooks company is connected. "
        step: Words = (Strong("Next step: "), "an admin connects one with ", Code("/data connect quickbooks"), ".")
        return [Paragraph((*head, why, *step)), *_lost(view.source)]
    several = "several QuickBooks companies are connected" if len(view.companies) > 1 else "it is not set up yet"
    why = f"Nothing is exchanged with it: {several}, and nobody said whose records go there. "
    if Action.CHANGE_EXCHANGE not in may:
        return [Paragraph((*head, why, Strong("Next step: "), f"ask {who(admins)} to choose one in ",
                           Code("/data exchange"), ".")), *_lost(view.source)]  # fmt: skip
    parts: list[Part] = [Paragraph((*head, why, Strong("Next step: "), "choose the company.")), *_lost(view.source)]
    buttons = [_choosing(view.source, books, view.companies) for books in view.companies]
    rows = [buttons[at : at + _BESIDE] for at in range(0, len(buttons), _BESIDE)]
    return [*parts, *(Buttons(tuple(row)) for row in rows)]


def _choosing(source: Source, books: Source, among: Sequence[Source]) -> Button:
    name = books.company or books.label
    alone = [one.company or one.label for one in among].count(name) == 1
    title = label(name) if alone else f"{label(name)} ({label(books.account)})"
    ask = Confirm(
        "Make the files from this company?",
        f"Records of {title} go to account {label(source.account)}, and its orders into that company. Nothing goes"
        " before pairs are switched on.",
        "Choose it",
        "Leave it",
    )
    return Button(shorten(title, 60), actions.EXCHANGE_COMPANY, f"{source.id} {books.id}", confirm=ask)


def _lost(source: Source) -> list[Part]:
    if source.connection is not ConnectionState.DISCONNECTED:
        return []
    reason = f" ({label(source.connection_reason).rstrip('.')})" if source.connection_reason else ""
    words: Words = (
        Sign("warning"),
        " ",
        Strong("Disconnected"),
        " since ",
        When(source.connection_since),
        f"{reason}. Nothing is exchanged until it is reconnected; what PocketAdvantage has stays as it is.",
    )
    return [Paragraph(words), Buttons((reconnect_button(source),))]


def _arrow(view: PairView, now: datetime, may: Collection[Action], *, lost: bool) -> Paragraph:
    pair = view.pair
    warns = view.held is not None or (view.last is not None and view.last.state is RunState.FAILED)
    odd = warns or pair.missed_since is not None
    sign: Words = (Sign("warning"), " ") if odd else ()
    title: Words = (*sign, Strong(pair.pair.label), f"  {way(pair.pair)}")
    # Above all arrows stands that nothing runs until it is reconnected.
    lines = (stands(view, now),) if lost and pair.runs else (stands(view, now), next_words(view, now))
    return Paragraph(title, menu=_menu(view, may), under=lines)


def _menu(view: PairView, may: Collection[Action]) -> tuple[Button, ...]:
    pair = view.pair
    found = [Button("Details", actions.EXCHANGE_SHOW, pair.id)]
    if Action.RUN_EXCHANGE in may and pair.on and view.active is None:
        found += [Button("Start now", actions.EXCHANGE_START, pair.id), dry_run(pair)]
        found.append(pausing(pair))
    if Action.CHANGE_EXCHANGE in may:
        found.append(switch(pair))
    return tuple(found[:5])
