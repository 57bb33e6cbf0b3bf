"""How the streams that come as reports are read."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime

import msgspec

from connectors.amazon import inventory, orders, returns, settlements, traffic, transactions
from connectors.amazon.document import Text
from connectors.amazon.flat import Found
from connectors.amazon.part import BATCH, Errand, Part, drain, look_inside, take, told, without
from connectors.amazon.reports import ASKED
from connectors.amazon.spans import QUICKLY, SPAN, Kind, Plan, plan
from connectors.base import Mark, mark
from connectors.intake import Intake
from connectors.lags import STATED
from connectors.shapes import Shape
from connectors.side_by_side import together
from storage.facts.past import Older
from storage.facts.sources import Provider


async def read_orders(errand: Errand) -> Part:
    """Read the orders that changed, and some more of the past."""
    return await _read_spans(errand, orders.KIND, orders.ORDERS, orders.orders)


async def read_returns(errand: Errand) -> Part:
    """Read the returns that came in, and some more of the past."""
    return await _read_spans(errand, returns.KIND, returns.RETURNS, returns.returns)


async def _read_spans(errand: Errand, kind: Kind, shape: Shape, read: Callable[[Text], Found]) -> Part:
    """Read what is new of one kind of report, and some of its past: all of it where that is little and quick."""
    name, until = shape.name, errand.until
    planned = plan(kind, mark(errand.cursors.get(name), until), until, errand.marketplaces, errand.past.history)
    intake = errand.intake(shape)
    unknown: set[str] = set()
    ends = await _load(errand, planned, intake, read, unknown)
    seconds = planned.left / errand.calls.pace.rate(ASKED).per_second
    if planned.left and intake.rows <= errand.past.little and seconds <= QUICKLY:
        planned = planned.rest()
        await _load(errand, planned, intake, read, unknown)
    cursor = Mark(ends - errand.behind, planned.back_to.isoformat())
    new = {name: tuple(sorted(unknown))} if unknown else {}
    days = (until - planned.back_to) / SPAN
    left = round(intake.rows / days * planned.left)
    older = () if planned.complete else (Older(name, planned.back_to.date(), left),)
    reports = planned.reports
    return Part({name: str(cursor)}, as_of=ends, keep=(name,), unknown=new, older=older, reports=reports)


async def _load(
    errand: Errand, planned: Plan, intake: Intake, read: Callable[[Text], Found], unknown: set[str]
) -> datetime:
    """Load the spans of a plan, and return up to when the newest of them reaches.

    The oldest span is loaded first, so that of a record that moved from one span to the next the newer one wins; so
    does one that came before, of another plan.
    """
    ends, key = errand.until, intake.shape.fields[0].path
    before = intake.seen
    made = await together(errand.reports.made(wanted) for wanted in planned.wanted)
    for wanted, report in zip(planned.wanted, made, strict=True):
        if wanted is planned.wanted[-1]:
            ends = min(errand.until, report.data_end_time or errand.until)
        if report.empty:
            continue
        with await errand.reports.read(report, wanted.label) as text:
            found = await asyncio.to_thread(read, text)
            unknown.update(found.unknown)
            await drain(intake, (without(part, key, before) for part in found.parts))
    return ends


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
    read = [report for report in listed if report not in later]
    back_to = min((report.data_start_time or report.created_time for report in read), default=errand.until)
    return Part(
        {name: settlements.cursor_after(listed, later)}, keep=(name,) if now else (), reports=len(later),
        older=(Older(name, back_to.date(), len(later)),) if later else (),
    )  # fmt: skip


async def read_transactions(errand: Errand) -> Part:
    """Read what was posted lately, once a day what may have been released since, and some of the past."""
    name = transactions.TRANSACTIONS.name
    end = errand.until - transactions.LATEST - errand.behind
    intake = errand.intake(transactions.TRANSACTIONS, transactions.flattened, transactions.KNOWN)
    since = mark(errand.cursors.get(name), errand.until)
    for start, stop in transactions.windows(since, end):
        await _take_posted(errand, intake, start, stop)
    past = transactions.Past(since, end)
    while (window := past.window()) is not None:
        before = intake.rows
        await _take_posted(errand, intake, *window)
        past.read(window, intake.rows - before)
    cursor = transactions.mark_after(end, errand.behind, past)
    rate = errand.calls.pace.rate("transactions").per_second
    older = (
        () if past.complete else (Older(name, past.back_to, past.left, seconds=past.left / transactions.PAGE / rate),)
    )
    return Part({name: str(cursor)}, as_of=end, keep=(name,), older=older, unknown=told(intake))


async def _take_posted(errand: Errand, intake: Intake, start: datetime, stop: datetime) -> None:
    waiting: list[msgspec.Raw] = []
    async for page in transactions.pages(errand.calls, start, stop):
        waiting += page
        if len(waiting) >= BATCH:
            await take(intake, waiting)
            waiting = []
    await take(intake, waiting)


async def read_inventory(errand: Errand) -> Part:
    """Read the stock of every marketplace, whole: what is no longer listed is gone."""
    intake = errand.intake(inventory.INVENTORY, known=inventory.KNOWN)
    for marketplace in errand.marketplaces:
        async for page in inventory.pages(errand.calls, marketplace):
            await take(intake, page)
            await look_inside(intake, page, inventory.INNER)
    return Part(full=(inventory.INVENTORY.name,), unknown=told(intake))


async def read_traffic(errand: Errand) -> Part:
    """Read the days that Amazon counted, of each marketplace once a day."""
    name = traffic.TRAFFIC.name
    wanted, read = traffic.due(errand.cursors.get(name), errand.marketplaces, errand.until)
    made = await together(errand.reports.made(one) for one in wanted)
    intake = errand.intake(traffic.TRAFFIC, known=traffic.KNOWN)
    newest = ""
    for one, report in zip(wanted, made, strict=True):
        (marketplace,) = one.marketplaces
        read[marketplace] = f"{one.end:%Y-%m-%d}"
        if not report.empty:
            with await errand.reports.read(report, traffic.LABEL) as text:
                records, last = await asyncio.to_thread(traffic.days, text, marketplace)
            await take(intake, records)
            await look_inside(intake, records, traffic.INNER)
            newest = max(newest, last)
    words = f"Sales and traffic are in up to {newest}: {STATED[Provider.AMAZON]}"
    return Part(
        {name: traffic.cursor_after(read)}, keep=(name,) if wanted else (), notes=(words,) if newest else (),
        unknown=told(intake),
    )  # fmt: skip
