"""Exchange rates of a company that keeps books in several currencies: the newest one of each currency, once a day.

QuickBooks gives rates no ids, tells no changes of them, and without a day in the question tells the newest of each
currency with the day it is of. So what is read grows to a history from the first read on; nothing of it is deleted.
Companies of one currency are never asked: whether there are several is told by the preferences, which are read when a
day begins.
"""

from datetime import datetime

import msgspec

from connectors.base import Mark, Sink
from connectors.errors import Broken
from connectors.intake import Intake
from connectors.quickbooks.company import Company
from connectors.quickbooks.lists import PREFERENCES
from connectors.quickbooks.parts import DATE, INSTANT, INTEGER, NUMBER, UPDATED, VERSION
from connectors.quickbooks.reading import Reading
from connectors.quickbooks.statements import PAGE
from connectors.shapes import Field, Shape
from storage.facts.streams import Batch

NAME = "ExchangeRate"
#: There are some 180 currencies; whoever has more pages than this has pages without end.
_MOST = 10 * PAGE
SHAPE = Shape(
    "exchange_rates",
    "Exchange rates",
    (
        #: the currency and the day
        Field("id", "Id"),
        Field("sync_token", "SyncToken", INTEGER),
        Field("updated_at", UPDATED, INSTANT),
        Field("source_currency", "SourceCurrencyCode"),
        Field("target_currency", "TargetCurrencyCode"),
        #: so much of the target is one of the source
        Field("rate", "Rate", NUMBER),
        Field("as_of", "AsOfDate", DATE),
    ),
    updated=UPDATED,
    version=VERSION,
)


class Several:
    """A sink that notes whether the preferences that pass say that the company has several currencies."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.said = False

    async def sink(self, batch: Batch) -> None:
        """Pass a batch on."""
        await self._sink(batch)
        if batch.stream.name == PREFERENCES.name:
            self.said = any(batch.rows.column("multi_currency").to_pylist())


class _Rate(msgspec.Struct, rename="pascal"):
    source_currency_code: str
    as_of_date: str


def keyed(record: bytes) -> bytes:
    """Give a rate the id that it lacks."""
    try:
        said = msgspec.json.decode(record, type=_Rate)
    except msgspec.MsgspecError as error:
        raise Broken("QuickBooks sent an exchange rate without currency or day", code="record_unreadable") from error
    key = msgspec.json.encode(f"{said.source_currency_code} {said.as_of_date}")
    return b'{"Id":' + key + b"," + record.lstrip()[1:]


async def read(company: Company, intake: Intake, until: datetime) -> Reading:
    """Read the newest rate of each currency."""
    start = 1
    while start <= _MOST:
        statement = f"SELECT * FROM {NAME} STARTPOSITION {start} MAXRESULTS {PAGE}"  # noqa: S608 - constants and a number
        records = (await company.query(NAME, statement)).records
        await intake.take([records])
        if len(records) < PAGE:
            return Reading(SHAPE.name, Mark(until), full=False, keep=True, rounded=intake.rounded)
        start += PAGE
    raise Broken("QuickBooks has more exchange rates than there are currencies", code="paging_stuck")
