"""`/data exchange`: the process map, one pair, and what managers and admins do with them."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import date

from bot import exchange_mapping, exchange_writing, values
from bot.case import Case
from bot.desktop import about_desktop, desktop
from bot.reply import Reply
from connectors.errors import ConnectorError
from jobs.errors import NotFoundError, TooLateError, UnavailableError
from jobs.exchange.service import ScheduleRefusedError
from jobs.refresh.ask import TriggerKey
from storage.facts.exchange import ExchangeRun, Pair
from storage.facts.exchange_view import ExchangeView, PairView
from storage.facts.people import Action
from templates.notices import exchange as words
from templates.notices.exchange_again import exchange_replays, exchange_resend, exchange_resend_how
from templates.notices.exchange_order import exchange_again, exchange_order
from templates.notices.exchange_pair import pair_card
from templates.notices.exchange_said import (
    exchange_changed,
    exchange_company,
    exchange_discarded,
    exchange_ended,
    exchange_history,
    exchange_refused,
    exchange_schedule,
    exchange_started,
    exchange_usage,
    exchange_versions,
    exchange_which,
)

#: how long an answer waits for the end of what it began, and how often it looks
_PATIENCE, _LOOK = 20.0, 0.5
#: how people call the pairs, longest first
_NAMES: Mapping[str, Pair] = {
    "sales reps": Pair.SALES_REPS,
    "sales rep": Pair.SALES_REPS,
    "salesreps": Pair.SALES_REPS,
    "reps": Pair.SALES_REPS,
    "customers": Pair.CUSTOMERS,
    "customer": Pair.CUSTOMERS,
    "items": Pair.ITEMS,
    "item": Pair.ITEMS,
    "products": Pair.ITEMS,
    "vendors": Pair.VENDORS,
    "vendor": Pair.VENDORS,
    "suppliers": Pair.VENDORS,
    "invoices": Pair.INVOICES,
    "invoice": Pair.INVOICES,
    "orders": Pair.ORDERS,
    "order": Pair.ORDERS,
}
#: what can be said behind a pair, in some spellings
_VERBS: Mapping[str, str] = {
    "start": "start",
    "run": "start",
    "now": "start",
    "dry run": "dry",
    "dry": "dry",
    "test": "dry",
    "pause": "pause",
    "stop": "pause",
    "resume": "resume",
    "go on": "resume",
    "on": "on",
    "off": "off",
    "history": "history",
    "files": "files",
    "versions": "files",
    "restore": "files",
    "again": "again",
    "replay": "again",
    "mapping": "mapping",
    "map": "mapping",
    "columns": "mapping",
}
_SCHEDULE = "schedule "
_SINCE = re.compile(r"(?:send )?again since (?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})", re.ASCII)


async def exchange(case: Case) -> Reply:
    """Show the map or one pair, or do with it what the words say."""
    said = " ".join(case.about.split()).casefold()
    if said in exchange_writing.WORDS:
        return await exchange_writing.asked(case, said)
    registered = about_desktop(said)
    if registered is not None:
        return await desktop(case, registered)
    views = await case.services.exchange.view(case.actor)
    chosen, rest = _named(said, views)
    if not rest or not views:
        return await _map(case, chosen)
    found = _pair(rest)
    if found is None:
        return case.say(exchange_usage(case.about))
    pair, verb = found
    if _VERBS.get(verb) == "mapping" and (one := next((view for view in chosen if view.pairs), None)):
        # It belongs to the organization, and is the same for all.
        chosen = [one]
    if len(chosen) > 1:
        return case.say(exchange_which(chosen))
    return await _of_pair(case, chosen[0], pair, verb)


async def _of_pair(case: Case, view: ExchangeView, pair: Pair, verb: str) -> Reply:
    if not view.pairs:
        # What it waits for is said there.
        return await _map(case, [view])
    one = next((one for one in view.pairs if one.pair.pair is pair), None)
    if one is None:
        raise NotFoundError
    return await _done(case, view, one, verb)


async def _map(case: Case, views: list[ExchangeView]) -> Reply:
    who = await case.names()
    may = frozenset(action for action in Action if case.may(action))
    return case.say(words.exchange_map(who.organization, views, case.now, may=may, admins=who.admins))


def _named(said: str, views: list[ExchangeView]) -> tuple[list[ExchangeView], str]:
    """Return the connections that are meant, and the words without the account that names one."""
    for view in views:
        account = view.source.account.casefold()
        if f"{said} ".startswith(f"{account} "):
            return [view], said.removeprefix(account).strip()
    return views, said


def _pair(said: str) -> tuple[Pair, str] | None:
    if said == "mapping":
        # It is one for all files; each shows its own columns.
        return Pair.CUSTOMERS, said
    for name, pair in _NAMES.items():
        if said == name or said.startswith(f"{name} "):
            return pair, said.removeprefix(name).strip()
    return None


async def _done(case: Case, view: ExchangeView, one: PairView, said: str) -> Reply:
    if not said:
        return await _card(case, view, one)
    if said.startswith(_SCHEDULE):
        return await _previewed(case, one, said.removeprefix(_SCHEDULE))
    if (since := _SINCE.fullmatch(said)) and one.pair.pair is Pair.INVOICES:
        return await _since(case, one, since["day"])
    verb = _VERBS.get(said)
    if verb is None and one.pair.pair is Pair.ORDERS:
        # Numbers of orders are told apart by capitals, too.
        return await _order(case, one, " ".join(case.about.split()[-len(said.split()) :]))
    if verb is None:
        return case.say(exchange_usage(case.about))
    return await _refusing(case, lambda: _ACTS[verb](case, one.pair.id))


async def _refusing(case: Case, act: Callable[[], Awaitable[Reply]]) -> Reply:
    """Say in words why something is not possible now."""
    try:
        return await act()
    except (TooLateError, UnavailableError) as error:
        return case.say(exchange_refused(str(error)))
    except ConnectorError as error:
        return case.say(exchange_refused(error.detail))


async def _card(case: Case, view: ExchangeView, one: PairView) -> Reply:
    services = case.services.exchange
    runs = await services.history(case.actor, one.pair.id)
    about = one.last
    shown = await services.run(case.actor, about.id) if about is not None and about.rejected else None
    may = frozenset(action for action in Action if case.may(action))
    return case.say(pair_card(view, one, runs, shown, case.now, may=may))


# -- what the words and the buttons do ---------------------------------------------------------------------------------


async def _start(case: Case, pair_id: str) -> Reply:
    return await _told(case, await case.services.exchange.start(case.actor, pair_id, case.trigger))


async def _dry(case: Case, pair_id: str) -> Reply:
    return await _told(case, await case.services.exchange.dry_run(case.actor, pair_id, case.trigger))


async def _pause(case: Case, pair_id: str) -> Reply:
    one = await case.services.exchange.pause(case.actor, pair_id, case.trigger)
    return case.say(exchange_changed(one, "paused", case.now))


async def _resume(case: Case, pair_id: str) -> Reply:
    one = await case.services.exchange.resume(case.actor, pair_id, case.trigger)
    return case.say(exchange_changed(one, "resumed", case.now))


async def _on(case: Case, pair_id: str) -> Reply:
    one = await case.services.exchange.switch(case.actor, pair_id, case.trigger, on=True)
    return case.say(exchange_changed(one, "switched on", case.now))


async def _off(case: Case, pair_id: str) -> Reply:
    one = await case.services.exchange.switch(case.actor, pair_id, case.trigger, on=False)
    return case.say(exchange_changed(one, "switched off", case.now))


async def _history(case: Case, pair_id: str) -> Reply:
    one = await case.services.exchange.one(case.actor, pair_id)
    return case.say(exchange_history(one, await case.services.exchange.history(case.actor, pair_id)))


async def _again(case: Case, pair_id: str) -> Reply:
    """Show the runs whose orders can be taken again, or how invoices are sent again."""
    one = await case.services.exchange.one(case.actor, pair_id)
    if one.pair.pair is Pair.ORDERS:
        runs = await case.services.exchange.history(case.actor, pair_id)
        may = frozenset(action for action in Action if case.may(action))
        return case.say(exchange_replays(runs, may=may))
    return case.say(exchange_resend_how(one))


async def _since(case: Case, one: PairView, said: str) -> Reply:
    try:
        day = date.fromisoformat(said)
    except ValueError:
        return case.say(exchange_resend_how(one))
    count = await case.services.exchange.sent_since(case.actor, one.pair.id, day)
    return case.say(exchange_resend(one, day, count))


async def _files(case: Case, pair_id: str) -> Reply:
    """List the far side's archive, behind the ack: another server is asked."""
    one = await case.services.exchange.one(case.actor, pair_id)

    async def looked() -> Reply:
        found = await case.services.exchange.versions(case.actor, pair_id)
        may = frozenset(action for action in Action if case.may(action))
        return case.say(exchange_versions(one, found, may=may))

    return Reply(then=lambda: _refusing(case, looked), zone=case.zone)


_ACTS: Mapping[str, Callable[[Case, str], Awaitable[Reply]]] = {
    "start": _start,
    "dry": _dry,
    "pause": _pause,
    "resume": _resume,
    "on": _on,
    "off": _off,
    "history": _history,
    "files": _files,
    "again": _again,
    "mapping": exchange_mapping.asked,
}


async def _told(case: Case, run: ExchangeRun) -> Reply:
    """Say that it has begun, and what came of it once it is over, where that does not take long."""
    account = await _account(case, run)

    async def over() -> Reply:
        waited = 0.0
        while waited < _PATIENCE:
            shown = await case.services.exchange.run(case.actor, run.id)
            if not shown.run.state.active:
                return case.say(exchange_ended(shown, account))
            await asyncio.sleep(_LOOK)
            waited += _LOOK
        return Reply(zone=case.zone)

    return replace(case.say(exchange_started(run, case.now, account)), then=over)


async def _account(case: Case, run: ExchangeRun) -> str:
    """Return the account that a run is of where there are several; commands then need it, too."""
    views = await case.services.exchange.view(case.actor)
    return next((view.source.account for view in views if view.source.id == run.source_id), "") if views[1:] else ""


async def _previewed(case: Case, one: PairView, wanted: str) -> Reply:
    try:
        upcoming = await case.services.exchange.preview_schedule(case.actor, one.pair.id, wanted)
    except ScheduleRefusedError as error:
        return case.say(exchange_refused(str(error)))
    value = values.pack_schedule(values.new_card(), one.pair.id, wanted, one.pair.schedule_version)
    return case.say(exchange_schedule(one, wanted, upcoming, value=value))


async def _order(case: Case, one: PairView, number: str) -> Reply:
    may = frozenset(action for action in Action if case.may(action))
    found = await case.services.exchange.orders(case.actor, one.pair.id, number)
    return case.say(exchange_order(one.pair, number, found, may=may))


# -- the buttons -------------------------------------------------------------------------------------------------------


async def mapped(case: Case) -> Reply:
    """Show the map."""
    return await _map(case, await case.services.exchange.view(case.actor))


async def company_chosen(case: Case) -> Reply:
    """Take the company whose records go over a connection."""
    source_id, _, books_id = case.request.value.partition(" ")
    if not source_id or not books_id:
        raise NotFoundError

    async def act() -> Reply:
        view = await case.services.exchange.choose_books(case.actor, source_id, books_id, case.trigger)
        return case.say(exchange_company(view))

    return await _refusing(case, act)


async def shown(case: Case) -> Reply:
    """Show one pair."""
    for view in await case.services.exchange.view(case.actor):
        for one in view.pairs:
            if one.pair.id == case.request.value:
                return await _card(case, view, one)
    raise NotFoundError


async def started(case: Case) -> Reply:
    """Start a pair."""
    return await _refusing(case, lambda: _start(case, case.request.value))


async def dry(case: Case) -> Reply:
    """Make its file and send nothing."""
    return await _refusing(case, lambda: _dry(case, case.request.value))


async def paused(case: Case) -> Reply:
    """Stop it for a while."""
    return await _refusing(case, lambda: _pause(case, case.request.value))


async def resumed(case: Case) -> Reply:
    """Let it run again."""
    return await _refusing(case, lambda: _resume(case, case.request.value))


async def switched_on(case: Case) -> Reply:
    """Switch it on."""
    return await _refusing(case, lambda: _on(case, case.request.value))


async def switched_off(case: Case) -> Reply:
    """Switch it off."""
    return await _refusing(case, lambda: _off(case, case.request.value))


async def files(case: Case) -> Reply:
    """Show its earlier files."""
    return await _refusing(case, lambda: _files(case, case.request.value))


async def released(case: Case) -> Reply:
    """Let a held file go."""

    async def act() -> Reply:
        return await _told(case, await case.services.exchange.release(case.actor, case.request.value, case.trigger))

    return await _refusing(case, act)


async def discarded(case: Case) -> Reply:
    """Put a held file away."""

    async def act() -> Reply:
        run = await case.services.exchange.discard(case.actor, case.request.value, case.trigger)
        return case.say(exchange_discarded(run))

    return await _refusing(case, act)


async def restored(case: Case) -> Reply:
    """Put an earlier file back."""
    pair_id, _, name = case.request.value.partition(" ")
    if not pair_id or not name:
        raise NotFoundError

    async def act() -> Reply:
        return await _told(case, await case.services.exchange.restore(case.actor, pair_id, name, case.trigger))

    return await _refusing(case, act)


async def scheduled(case: Case) -> Reply:
    """Save the schedule of a card; the card is the key, so that a second click changes nothing."""
    asked = values.unpack_schedule(case.request.value)
    key = TriggerKey(case.request.team_id, asked.card)
    try:
        one = await case.services.exchange.schedule(case.actor, asked.source_id, asked.words, asked.seen, key)
    except ScheduleRefusedError as error:
        return case.say(exchange_refused(str(error)), replace=True)
    except TooLateError as error:
        return case.say(exchange_refused(str(error)), replace=True)
    return case.say(exchange_changed(one, "it has another schedule", case.now), replace=True)


async def replayed(case: Case) -> Reply:
    """Take the orders of an earlier run again."""

    async def act() -> Reply:
        return await _told(case, await case.services.exchange.replay(case.actor, case.request.value, case.trigger))

    return await _refusing(case, act)


async def sent_again(case: Case) -> Reply:
    """Send the invoices of a night and those after it again."""
    pair_id, _, said = case.request.value.partition(" ")
    try:
        day = date.fromisoformat(said)
    except ValueError as error:
        raise NotFoundError from error

    async def act() -> Reply:
        return await _told(case, await case.services.exchange.send_again(case.actor, pair_id, day, case.trigger))

    return await _refusing(case, act)


async def ordered_again(case: Case) -> Reply:
    """Let an order be taken again."""
    pair_id, _, number = case.request.value.partition(" ")
    if not pair_id or not number:
        raise NotFoundError

    async def act() -> Reply:
        return case.say(
            exchange_again(await case.services.exchange.order_again(case.actor, pair_id, number, case.trigger))
        )

    return await _refusing(case, act)
