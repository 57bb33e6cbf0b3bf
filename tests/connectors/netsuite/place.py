"""A NetSuite that delivers to a folder, and a connection that reads there."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.base import Access, ProviderSettings
from connectors.limits import Unlimited
from connectors.netsuite.connector import NetSuiteConnector
from connectors.oauth import MemoryTokens, Tokens
from sandbox.providers.netsuite import AMERICAN, NetSuite, Style
from storage.facts.clock import OffsetClock
from storage.facts.secret import Secret
from tests.connectors.worlds import Kept, World

ORGANIZATION = "org_1"


@dataclass
class Place:
    """Both ends."""

    netsuite: NetSuite
    world: World

    def declare(self, *feeds: dict[str, Any], **more: Any) -> None:
        """Change what is declared."""
        grant = json.dumps({"feeds": feeds, **more})
        store = self.world.access.tokens
        assert isinstance(store, MemoryTokens)
        store.tokens = Tokens(Secret(grant))

    def at(self, minutes: float) -> datetime:
        """Return an instant in whole seconds, before now."""
        return (self.world.clock.now() - timedelta(minutes=minutes)).replace(microsecond=0)

    def rows(self, stream: str = "transaction_lines") -> dict[str, dict[str, Any]]:
        """Return what is kept."""
        return self.world.kept.rows.get(stream, {})

    def assert_same(self, feed: str = "gl") -> None:
        """What is kept is what the account has, value by value."""
        kept = {row["line_id"]: row for row in self.rows().values() if row["feed"] == feed}
        assert set(kept) == set(self.netsuite.lines)
        for key, line in self.netsuite.lines.items():
            row, amount = kept[key], line["amount"]
            assert row["amount"] == amount
            assert (row["debit"], row["credit"]) == ((amount, None) if amount >= 0 else (None, -amount))
            assert row["txn_date"] == line["txn_date"]
            assert (row["account"], row["transaction_id"]) == (line["account"], line["transaction_id"])
            assert row["memo"] == (line["memo"] or None)
            assert row["name"] == (None if line["name"] == "- None -" else line["name"])


def place(folder: Path, style: Style = AMERICAN, **feed: Any) -> Place:
    """Make both ends in a folder; the feed is the general ledger's, with `feed` changed in its declaration."""
    # It stands still but for what a test lets pass: an instant that is named twice is the same.
    clock, kept = OffsetClock(base=lambda: datetime(2026, 11, 22, 8, 0, tzinfo=UTC)), Kept()
    netsuite = NetSuite(folder / ORGANIZATION, clock)
    netsuite.folder.mkdir(parents=True, exist_ok=True)
    settings = ProviderSettings("", Secret(""), str(folder), "", "")
    store = MemoryTokens(Tokens(Secret("")))
    access = Access("main", settings, store, clock, Unlimited(), kept, organization=ORGANIZATION)
    made = Place(netsuite, World(NetSuiteConnector(), access, clock, kept))
    made.declare(netsuite.feed(style, **feed))
    return made
