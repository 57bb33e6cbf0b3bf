"""The Amazon connector: the seller's marketplaces."""

import contextlib
from collections.abc import Mapping
from datetime import datetime

from connectors.amazon import entry
from connectors.base import Access, Collected, Company, Progress, Session, Sink
from connectors.intake import Intake
from connectors.shapes import Field, Shape
from storage.facts.clock import aware
from storage.facts.ready import ReadyTable
from storage.facts.sources import CollectMode, Provider
from storage.facts.streams import ColumnType, Stream

MARKETPLACES = Shape(
    "marketplaces",
    "Marketplaces",
    (
        Field("id", "marketplace.id"),
        Field("name", "marketplace.name"),
        Field("country", "marketplace.countryCode"),
        Field("currency", "marketplace.defaultCurrencyCode"),
        Field("language", "marketplace.defaultLanguageCode"),
        Field("domain", "marketplace.domainName"),
        Field("store_name", "storeName"),
        Field("participating", "participation.isParticipating", ColumnType.BOOLEAN),
        Field("suspended_listings", "participation.hasSuspendedListings", ColumnType.BOOLEAN),
    ),
    full=True,
)


class AmazonConnector:
    """Collected on demand and by schedule."""

    provider = Provider.AMAZON
    mode = CollectMode.ON_DEMAND
    label = "Amazon"
    streams: tuple[Stream, ...] = (MARKETPLACES.stream,)
    ready: tuple[ReadyTable, ...] = ()

    def session(self, access: Access) -> contextlib.AbstractAsyncContextManager[Session]:
        """Open a connection to one seller."""
        return entry.session(access)

    async def probe(self, session: Session) -> Company:
        """Ask for the store's name."""
        return await entry.probe(session)

    async def collect(
        self, session: Session, cursors: Mapping[str, str], until: datetime, sink: Sink, progress: Progress
    ) -> Collected:
        """Read the list of marketplaces, whole: it is short and has no times of change."""
        _ = cursors
        intake = Intake(MARKETPLACES, sink, progress)
        await intake.take([await entry.participations(session)])
        return Collected(source_as_of=aware(until), cursors={}, reads=session.http.reads, full=(MARKETPLACES.name,))
