"""How the streams that come as reports are read."""

import asyncio
import contextlib
from collections.abc import Callable

import msgspec

from connectors.amazon import inventory, orders, returns, settlements, traffic, transactions
from connectors.amazon.document import Text
from connectors.amazon.flat import Found
from connectors.amazon.part import BATCH, Errand, Part, drain, take
from connectors.amazon.spans import SPAN, Kind, Plan, plan
from connectors.base import Mark, mark
from connectors.shapes import Shape
from connectors.side_by_side import together


async def read_orders(errand: Errand) -> Part:
    """Read the orders that changed, and some more of the past."""
    return await _read_spans(errand, orders.KIND, orders.ORDERS, orders.orders)


async def read_returns(errand: Errand) -> Part:
    """Read the returns that came in, and some more of the past."""
    return await _read_spans(errand, returns.KIND, returns.RETURNS, returns.returns)


async def _read_spans(errand: Errand, kind: Kind, shape: Shape, read: Callable[[Text], Found]) -> Part:
    """Read one kind of report.

    The oldest span is loaded first, so that of a record that moved from one span to the next the newer one wins.
    """
    name, until = shape.name, errand.until
    planned = plan(kind, mark(errand.cursors.get(name), until), until, errand.marketplaces)
    made = await together(errand.reports.made(wanted) for wanted in planned.wanted)
    intake = errand.intake(shape)
    unknown: set[str] = set()
    ends = until
    for wanted, report in zip(planned.wanted, made, strict=True):
        if wanted is planned.wanted[-1]:
            ends = min(until, report.data_end_time or until)
        if report.empty:
            continue
        with await errand.reports.read(report, wanted.label) as text:
            found = await asyncio.to_thread(read, text)
            unknown.update(found.unknown)
            await drain(intake, found.parts)
    cursor = Mark(ends - errand.behind, planned.back_to.isoformat())
    new = {name: tuple(sorted(unknown))} if unknown else {}
    return Part({name: str(cursor)}, as_of=ends, keep=(name,), notes=_notes(kind, planned), unknown=new)


def _notes(kind: Kind, planned: Plan) -> tuple[str, ...]:
    if planned.complete:
        return ()
    before, more = f"{planned.back_to:%Y-%m-%d}", kind.more * SPAN.days
    times = -(-planned.left // kind.more)
    said = f"{kind.label} of before {before} are not in yet: each collection reads {more} days more"
    return (
        f"{said}, so {times} more {'collection brings' if times == 1 else 'collections bring'} all of the two years.",
    )


async def read_settlements(errand: Errand) -> Part:
    """Read the settlement files that are new in Amazon's list."""
    name = settlements.SETTLEMENTS.name
    since = errand.until - settlements.LISTED_FOR
    listed = await errand.reports.listed((settlements.TYPE,), since, statuses=("DONE",))
    cursor = errand.cursors.get(name)
    now, later = settlements.due(listed, cursor)
    heads, lines = errand.intake(settlements.SETTLEMENTS), errand.intake(settlements.LINES)
    for report in now:
        with await errand.reports.read(report, settlements.LABEL) as text:
            found = await asyncio.to_thread(settlements.settled, text)
        with contextlib.closing(found.lines):
            await drain(lines, found.lines.batches())
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


async def read_inventory(errand: Errand) -> Part:
    """Read the stock of every marketplace, whole: what is no longer listed is gone."""
    intake = errand.intake(inventory.INVENTORY)
    for marketplace in errand.marketplaces:
        async for page in inventory.pages(errand.calls, marketplace):
            await take(intake, page)
    return Part(full=(inventory.INVENTORY.name,))


async def read_traffic(errand: Errand) -> Part:
    """Read the days that Amazon counted, of each marketplace once a day."""
    name = traffic.TRAFFIC.name
    wanted, read = traffic.due(errand.cursors.get(name), errand.marketplaces, errand.until)
    made = await together(errand.reports.made(one) for one in wanted)
    intake = errand.intake(traffic.TRAFFIC)
    newest = ""
    for one, report in zip(wanted, made, strict=True):
        (marketplace,) = one.marketplaces
        read[marketplace] = f"{one.end:%Y-%m-%d}"
        if not report.empty:
            with await errand.reports.read(report, traffic.LABEL) as text:
                records, last = await asyncio.to_thread(traffic.days, text, marketplace)
            await take(intake, records)
            newest = max(newest, last)
    words = f"Sales and traffic are in up to {newest}: Amazon's own sales reports are 24 to 72 hours behind."
    return Part({name: traffic.cursor_after(read)}, keep=(name,) if wanted else (), notes=(words,) if newest else ())
