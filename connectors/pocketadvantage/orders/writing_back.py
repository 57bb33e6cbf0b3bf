"""Answers to the customer's database: what became of each order, in the columns that it provides for that."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.pocketadvantage.orders import database
from connectors.pocketadvantage.orders.places import Allowed, DatabasePlace, Engine
from connectors.pocketadvantage.orders.reader import connection_to

#: as columns of customers are made; what is longer is cut, and stays whole with us
_LONGEST_ERROR = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one revision of one order."""

    cust_id: str
    order_no: str
    revision: int
    #: SENT, WAITING, FAILED, CANCELLED, SUPERSEDED
    status: str
    #: at QuickBooks
    id: str = ""
    number: str = ""
    #: plain words
    error: str = ""


async def write_back(place: DatabasePlace, allowed: Allowed, answers: Sequence[Answer], now: datetime) -> int:
    """Write them; return how many found the row of their order (Retry, Reconnect, Broken). Once more is harmless."""
    rows = [_row(place, one, now) for one in answers]
    async with connection_to(place, allowed, write=True) as (connection, run):
        return await run(lambda: database.answer(connection, place, rows))


def _row(place: DatabasePlace, one: Answer, now: datetime) -> dict[str, Any]:
    at = now.astimezone(UTC)
    # Without a zone, as most columns are; it is UTC, and the guide says so.
    plain = at if place.engine is Engine.POSTGRESQL else database.bound(at.replace(tzinfo=None), place.engine)
    return {
        "cust_id": one.cust_id,
        "order_no": one.order_no,
        "revision": one.revision,
        "sync_status": one.status,
        "sync_id": one.id or None,
        "sync_number": one.number or None,
        "sync_error": one.error[:_LONGEST_ERROR] or None,
        "synced_at": plain,
    }
