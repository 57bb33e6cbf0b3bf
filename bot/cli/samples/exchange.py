"""The exchange with PocketAdvantage, in its states."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.cli.samples.facts import ORG, QUICKBOOKS
from storage.facts.exchange import (
    Counts,
    ExchangePair,
    ExchangeRun,
    Guard,
    Held,
    LastGood,
    Pair,
    Reject,
    RunState,
    Trigger,
    read_schedule,
)
from storage.facts.exchange_orders import KeptOrder, OrderState, Wish, Written
from storage.facts.exchange_view import ExchangeView, FileVersion, NightView, PairView, RunView
from storage.facts.messages import Message, Person
from storage.facts.people import Action
from storage.facts.sources import CollectMode, ConnectionState, Provider, Source
from templates.notices import (
    exchange,
    exchange_again,
    exchange_night,
    exchange_order,
    exchange_pair,
    exchange_said,
    exchange_writing,
)

NOW = datetime(2026, 11, 21, 19, 41, tzinfo=UTC)
ZONE = "America/New_York"
_NIGHT = NOW.replace(hour=7, minute=3)
_ALL = frozenset(Action)
_LOOKS = frozenset({Action.SEE_STATUS, Action.SEE_HISTORY})
POCKET = Source(
    id="src_pocket",
    organization_id="org_1",
    provider=Provider.POCKETADVANTAGE,
    account="temerity-01",
    label="pocketadvantage_temerity-01",
    company="Temerity Goods Inc.",
    mode=CollectMode.EXCHANGE,
    schedule_minutes=1440,
    schedule_version=1,
    connection=ConnectionState.CONNECTED,
    connection_reason=None,
    connection_since=NOW - timedelta(days=30),
)
_ROWS = {
    Pair.CUSTOMERS: 5012,
    Pair.ITEMS: 3100,
    Pair.VENDORS: 214,
    Pair.SALES_REPS: 9,
    Pair.INVOICES: 188,
    Pair.ORDERS: 0,
}


def a_pair(pair: Pair, **changed: Any) -> ExchangePair:
    """Return a pair that is on and runs each night."""
    schedule = {Pair.ORDERS: "every 15", Pair.INVOICES: "every 60 within 01:00-05:00"}
    made = ExchangePair(
        id=f"xpr_{pair}",
        organization_id="org_1",
        source_id=POCKET.id,
        books_id=QUICKBOOKS.id,
        pair=pair,
        on=True,
        schedule=read_schedule(schedule.get(pair, "nightly 02:00 within 01:00-05:00")),
        zone=ZONE,
        schedule_version=1,
        due_at=NOW.replace(day=22, hour=7, minute=0),
        last=LastGood("xrn_1", _ROWS[pair], 1_204_551, "0" * 64, _NIGHT - timedelta(minutes=38), _NIGHT),
    )
    return replace(made, **changed)


def a_run(pair: Pair, **changed: Any) -> ExchangeRun:
    """Return a run of last night that ended well."""
    made = ExchangeRun(
        id=f"xrn_{pair}",
        organization_id="org_1",
        source_id=POCKET.id,
        books_id=QUICKBOOKS.id,
        pair_id=f"xpr_{pair}",
        pair=pair,
        trigger=Trigger.SCHEDULE,
        slot="2026-11-21",
        state=RunState.DONE,
        attempt=1,
        asked_by="",
        requested_at=_NIGHT,
        slot_at=_NIGHT,
        deadline=_NIGHT + timedelta(hours=3),
        started_at=_NIGHT,
        finished_at=_NIGHT + timedelta(seconds=8),
        as_of=_NIGHT - timedelta(minutes=38),
        rows=_ROWS[pair],
        counts=Counts(12, 31, 0),
    )
    return replace(made, **changed)


def _held() -> ExchangeRun:
    held = Held(Guard.SHRINK, 5012, 3100, ("MUG-2", "OIL-100", "<b>BELL</b>"), 1912)
    return a_run(Pair.ITEMS, state=RunState.HELD, held=held)


def _night_of(*, good: bool) -> NightView:
    """Return a night on which all went well, or one with a file that is held, one that failed and one that is not."""
    held: ExchangeRun | None = a_run(Pair.ITEMS) if good else _held()
    failed = a_run(Pair.SALES_REPS, state=RunState.FAILED, why="no file was sent in its time: QuickBooks is <late>")
    files = (
        (Pair.CUSTOMERS, a_run(Pair.CUSTOMERS)),
        (Pair.ITEMS, held),
        (Pair.VENDORS, a_run(Pair.VENDORS, state=RunState.UNCHANGED)),
        (Pair.SALES_REPS, a_run(Pair.SALES_REPS) if good else failed),
        (Pair.INVOICES, a_run(Pair.INVOICES) if good else None),
    )
    return NightView(POCKET, "2026-11-21", files)


def _night_without() -> NightView:
    """Return a night of which some records were left out."""
    view = _night_of(good=True)
    lacking = {Pair.INVOICES: 1, Pair.CUSTOMERS: 7}
    files = tuple((pair, replace(run, rejected=lacking.get(pair, 0)) if run else None) for pair, run in view.files)
    customers = tuple(
        Reject(str(4711 + n), "NAME", "it has 52 characters, and 41 fit", f"Long <Name> {n}") for n in range(7)
    )
    one = Reject(
        "145",
        "TOTAL",
        "the lines' AMOUNT come to 90.00, plus TAX_TOTAL 7.20, minus DISC_AMT 0: that is 97.20, and TOTAL is 99.00",
        "INV-1042",
    )
    return replace(view, files=files, left_out={Pair.INVOICES: (one,), Pair.CUSTOMERS: customers})


def the_exchange() -> ExchangeView:
    """Return a connection on which something of every kind happened last night."""
    views = (
        PairView(a_pair(Pair.CUSTOMERS), a_run(Pair.CUSTOMERS, rejected=2)),
        PairView(a_pair(Pair.ITEMS), _held(), held=_held()),
        PairView(a_pair(Pair.VENDORS), a_run(Pair.VENDORS, state=RunState.UNCHANGED)),
        PairView(
            a_pair(Pair.SALES_REPS, paused_at=NOW - timedelta(days=2), paused_by="Daniel Kim", due_at=None),
            a_run(Pair.SALES_REPS, state=RunState.FAILED, why="the file server refused the password"),
        ),
        PairView(
            a_pair(Pair.INVOICES),
            None,
            active=a_run(
                Pair.INVOICES,
                state=RunState.WAITING,
                finished_at=None,
                next_at=NOW + timedelta(minutes=5),
                why="QuickBooks' data is older than it should be; a collection was asked for",
            ),
        ),
        PairView(
            a_pair(Pair.ORDERS, last=None), a_run(Pair.ORDERS, rows=0, counts=Counts(4, 1, 1), rejected=1)
        ),
    )  # fmt: skip
    return ExchangeView(POCKET, QUICKBOOKS, views, NOW - timedelta(minutes=22), may_write=True)


def some_orders() -> list[KeptOrder]:
    """Return the revisions of an order that was corrected, and then taken."""
    first = KeptOrder(
        id="xor_1", organization_id="org_1", source_id=POCKET.id, cust_id=POCKET.account, order_no="SO-1042",
        revision=1, wish=Wish.READY, state=OrderState.BLOCKED, position="", fingerprint="", order=None, request_id="",
        target="estimate",
        written=None, reason="Customer 999999 is not in QuickBooks: add it there, or correct the number.", attempts=0,
        read_at=NOW - timedelta(hours=2), sent_at=None, next_at=None, settled_at=NOW - timedelta(hours=2),
        written_back_at=NOW - timedelta(hours=2),
    )  # fmt: skip
    taken = replace(
        first, id="xor_2", revision=2, state=OrderState.CONFIRMED, written=Written("203", "SO-1042"), reason="",
        read_at=NOW - timedelta(minutes=30), written_back_at=NOW - timedelta(minutes=29),
    )  # fmt: skip
    return [taken, first]


def exchange_messages() -> dict[str, Message]:
    """Return every message about it."""
    maya = Person("Maya Ortiz", "T0TEMERITY", "U0MAYA")
    view = the_exchange()
    by_pair = {one.pair.pair: one for one in view.pairs}
    customers, items = by_pair[Pair.CUSTOMERS], by_pair[Pair.ITEMS]
    lost = replace(
        view,
        source=replace(
            POCKET,
            connection=ConnectionState.DISCONNECTED,
            connection_reason="the host key of the file server is another one",
            connection_since=NOW - timedelta(hours=5),
        ),
        may_write=False,
    )
    rejects = RunView(
        a_run(Pair.CUSTOMERS, rejected=2),
        customers.pair,
        (
            Reject("4711", "NAME", "it has 52 characters, and 41 fit"),
            Reject("812", "BILL_CITY", "the character “Ł” has no place in cp1252"),
        ),
    )
    others = (QUICKBOOKS, replace(QUICKBOOKS, id="src_other", account="9130357", company="Temerity <Wholesale> LLC"))
    unclear = ExchangeView(replace(POCKET, id="src_pocket_2", account="temerity-02"), None, (), companies=others)
    bookless = replace(unclear, companies=())
    missed = replace(customers.pair, missed_since=NOW - timedelta(days=1))
    runs = [
        a_run(Pair.CUSTOMERS),
        a_run(Pair.CUSTOMERS, state=RunState.FAILED, why="the file server did not answer", rows=0),
        a_run(Pair.CUSTOMERS, state=RunState.DRY, trigger=Trigger.DRY),
    ]
    versions = [
        FileVersion(f"customer.fil.202611{day}T070301Z.1a2b3c4d.fil", 1_204_551, NOW - timedelta(days=21 - day))
        for day in range(20, 8, -1)
    ]
    gap = a_run(Pair.CUSTOMERS, gap=True, late=True)
    back = a_run(Pair.CUSTOMERS, trigger=Trigger.RESTORE, rows=0, as_of=None)
    return {
        "exchange": exchange.exchange_map(ORG, [view], NOW, may=_ALL, admins=()),
        "exchange_viewer": exchange.exchange_map(ORG, [view], NOW, may=_LOOKS, admins=("Maya Chen",)),
        "exchange_lost": exchange.exchange_map(ORG, [lost], NOW, may=_ALL, admins=()),
        "exchange_none": exchange.exchange_map(ORG, [], NOW, may=_LOOKS, admins=("Maya Chen",)),
        "exchange_connect": exchange.exchange_map(ORG, [], NOW, may=_ALL, admins=()),
        "exchange_unclear": exchange.exchange_map(ORG, [view, unclear], NOW, may=_ALL, admins=()),
        "exchange_unclear_viewer": exchange.exchange_map(ORG, [unclear], NOW, may=_LOOKS, admins=("Maya Chen",)),
        "exchange_without_books": exchange.exchange_map(ORG, [bookless], NOW, may=_ALL, admins=()),
        "exchange_company": exchange_said.exchange_company(view),
        "exchange_pair": exchange_pair.pair_card(view, customers, runs, rejects, NOW, may=_ALL),
        "exchange_pair_held": exchange_pair.pair_card(view, items, [_held()], None, NOW, may=_ALL),
        "exchange_pair_missed": exchange_pair.pair_card(
            view, replace(customers, pair=missed), runs, None, NOW, may=_LOOKS
        ),
        "exchange_held": exchange_pair.exchange_held(ORG, POCKET.account, _held(), may=_ALL),
        "exchange_held_channel": exchange_pair.exchange_held(ORG, POCKET.account, _held(), may=()),
        "exchange_night": exchange_night.exchange_night(ORG, _night_of(good=True)),
        "exchange_night_without": exchange_night.exchange_night(ORG, _night_without()),
        "exchange_night_missing": exchange_night.exchange_night(ORG, _night_of(good=False)),
        "exchange_started": exchange_said.exchange_started(
            a_run(Pair.CUSTOMERS, state=RunState.BUILDING, trigger=Trigger.DRY), NOW
        ),
        "exchange_started_account": exchange_said.exchange_started(
            a_run(Pair.ITEMS, state=RunState.QUEUED, requested_at=NOW), NOW, "temerity-02"
        ),
        "exchange_ended": exchange_said.exchange_ended(rejects),
        "exchange_ended_failed": exchange_said.exchange_ended(
            RunView(a_run(Pair.CUSTOMERS, state=RunState.FAILED, why="the file server did not answer"), customers.pair),
            POCKET.account,
        ),
        "exchange_ended_restored": exchange_said.exchange_ended(
            RunView(a_run(Pair.CUSTOMERS, trigger=Trigger.RESTORE, rows=0), customers.pair)
        ),
        "exchange_pair_restored": exchange_pair.pair_card(
            view, replace(customers, last=back), [back, *runs], None, NOW, may=_ALL
        ),
        "exchange_ended_gap": exchange_said.exchange_ended(RunView(gap, customers.pair)),
        "exchange_ended_held": exchange_said.exchange_ended(RunView(_held(), items.pair)),
        "exchange_changed": exchange_said.exchange_changed(customers, "resumed", NOW),
        "exchange_expected": exchange_said.exchange_changed(
            replace(customers, expected_by=NOW.replace(day=22, hour=10, minute=0)), "switched on", NOW
        ),
        "exchange_discarded": exchange_said.exchange_discarded(_held()),
        "exchange_versions": exchange_said.exchange_versions(customers, versions, may=_ALL),
        "exchange_versions_none": exchange_said.exchange_versions(customers, [], may=_ALL),
        "exchange_schedule": exchange_said.exchange_schedule(
            customers, "nightly 03:30 within 01:00-05:00", [NOW + timedelta(days=n) for n in (1, 2, 3)], value="{}"
        ),
        "exchange_refused": exchange_said.exchange_refused("PocketAdvantage is disconnected"),
        "exchange_which": exchange_said.exchange_which([view, lost]),
        "orders_writing_ask": exchange_writing.writing_ask(ORG, QUICKBOOKS, allowed=False),
        "orders_writing_stop": exchange_writing.writing_ask(ORG, QUICKBOOKS, allowed=True),
        "orders_writing_allowed": exchange_writing.writing_changed(QUICKBOOKS, allowed=True, changed=True),
        "orders_writing_stopped": exchange_writing.writing_changed(QUICKBOOKS, allowed=False, changed=True),
        "orders_writing_none": exchange_writing.writing_none(ORG),
        "orders_writing_refused": exchange_writing.writing_refused("QuickBooks is disconnected; reconnect it first"),
        "orders_writing_told": exchange_writing.writing_told(maya, QUICKBOOKS, NOW, allowed=True),
        "orders_writing_told_stop": exchange_writing.writing_told(maya, QUICKBOOKS, NOW, allowed=False),
        "exchange_usage": exchange_said.exchange_usage("custmers <now>"),
        "exchange_help": exchange_said.exchange_usage(),
        "exchange_order": exchange_order.exchange_order(a_pair(Pair.ORDERS), "SO-1042", some_orders(), may=_ALL),
        "exchange_order_viewer": exchange_order.exchange_order(
            a_pair(Pair.ORDERS), "SO-1042", some_orders(), may=_LOOKS
        ),
        "exchange_order_none": exchange_order.exchange_order(a_pair(Pair.ORDERS), "<b>1</b>", [], may=_ALL),
        "exchange_order_again": exchange_order.exchange_again(
            "Order SO-1042 is looked for in QuickBooks, and sent again only if it is not there."
        ),
        "exchange_replays": exchange_again.exchange_replays(
            [a_run(Pair.ORDERS, counts=Counts(4, 1, 1), rejected=1), a_run(Pair.ORDERS)], may=_ALL
        ),
        "exchange_replays_none": exchange_again.exchange_replays([a_run(Pair.ORDERS, counts=Counts())], may=_ALL),
        "exchange_replayed": exchange_said.exchange_ended(
            RunView(
                a_run(
                    Pair.ORDERS,
                    counts=Counts(1),
                    trigger=Trigger.REPLAY,
                    note="5 taken again, and in QuickBooks as before",
                ),
                a_pair(Pair.ORDERS),
            )
        ),
        "exchange_resend": exchange_again.exchange_resend(by_pair[Pair.INVOICES], NOW.date(), 188),
        "exchange_resend_none": exchange_again.exchange_resend(by_pair[Pair.INVOICES], NOW.date(), 0),
        "exchange_resend_how": exchange_again.exchange_resend_how(by_pair[Pair.INVOICES]),
        "exchange_resend_files": exchange_again.exchange_resend_how(customers),
        "exchange_history": exchange_said.exchange_history(customers, runs),
        "exchange_history_none": exchange_said.exchange_history(customers, []),
    }
