"""How the streams that come as reports are read."""

import asyncio
from datetime import datetime

import msgspec

from connectors.amazon import orders, settlements, transactions
from connectors.amazon.part import BATCH, Errand, Part, take
from connectors.base import Mark, mark
from connectors.side_by_side import together


async def read_orders(errand: Errand) -> Part:
    """Read the orders that changed, and some more of the past.

    The oldest span is loaded first, so that of an order that moved from one span to the next the newer record wins.
    """
    name, until = orders.ORDERS.name, errand.until
    plan = orders.plan(mark(errand.cursors.get(name), until), until, errand.marketplaces)
    made = await together(errand.reports.made(wanted) for wanted in plan.wanted)
    intake = errand.intake(orders.ORDERS)
    unknown: set[str] = set()
    ends: datetime = until
    for wanted, report in zip(plan.wanted, made, strict=True):
        if report is None:
            continue
        text = await errand.reports.read(report, wanted.label)
        found = await asyncio.to_thread(orders.orders, text)
        unknown.update(found.unknown)
        await take(intake, found.records)
        if wanted is plan.wanted[-1]:
            ends = min(until, report.data_end_time or until)
    return Part(
        {name: str(Mark(ends - errand.behind, plan.back_to.isoformat()))},
        as_of=ends,
        keep=(name,),
        notes=_notes(plan, unknown),
    )


def _notes(plan: orders.Plan, unknown: set[str]) -> tuple[str, ...]:
    notes = []
    if not plan.complete:
        notes.append(
            f"Orders last changed before {plan.back_to:%Y-%m-%d} are not in yet: each collection reads 120 days more."
        )
    if unknown:
        notes.append(f"Amazon's report of orders has columns that are kept but not used: {', '.join(sorted(unknown))}.")
    return tuple(notes)


async def read_settlements(errand: Errand) -> Part:
    """Read the settlement files that are new in Amazon's list."""
    name = settlements.SETTLEMENTS.name
    since = errand.until - settlements.LISTED_FOR
    listed = await errand.reports.listed((settlements.TYPE,), since, statuses=("DONE",))
    cursor = errand.cursors.get(name)
    now, later = settlements.due(listed, cursor)
    heads, lines = errand.intake(settlements.SETTLEMENTS), errand.intake(settlements.LINES)
    for report in now:
        text = await errand.reports.read(report, settlements.LABEL)
        found = await asyncio.to_thread(settlements.settled, text)
        await take(lines, found.lines)
        await take(heads, found.settlements)
    note = f"{len(later)} older settlements are not in yet: the next collections read them."
    return Part(
        {name: settlements.cursor_after(listed, later)}, keep=(name,) if now else (), notes=(note,) if later else ()
    )


async def read_transactions(errand: Errand) -> Part:
    """Read what was posted lately, and once a day what may have been released since."""
    name = transactions.TRANSACTIONS.name
    end = errand.until - transactions.LATEST - errand.behind
    intake = errand.intake(transactions.TRANSACTIONS, transactions.flattened)
    for start, stop in transactions.windows(mark(errand.cursors.get(name), errand.until), end):
        waiting: list[msgspec.Raw] = []
        async for page in transactions.pages(errand.calls, start, stop):
            waiting += page
            if len(waiting) >= BATCH:
                await take(intake, waiting)
                waiting = []
        await take(intake, waiting)
    return Part({name: str(transactions.mark_after(end, errand.behind))}, as_of=end, keep=(name,))
