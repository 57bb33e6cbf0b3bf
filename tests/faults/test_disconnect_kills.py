"""The whole product dies again and again while a source is disconnected and erased; it comes to its end all the same."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from sandbox.providers.catalogue import SHOP
from storage.facts.disconnects import GrantEnd
from storage.facts.sources import ConnectionState, Provider
from storage.records import audit, sources
from storage.sessions import Database, Session
from storage.tables import ConnectionRow, DeliveryRow, DisconnectRow
from storage.warehouse.location import locate
from templates import actions
from tests.faults.lives import ForkServer
from tests.faults.world import CHANNEL, DANIEL, World, world_on
from tests.storage.warehouse.leftovers import traces

#: In the order in which one disconnect passes them.
DEATHS = ("step.sever.before", "disconnect.revoked", "erase.written_anew", "step.sever.ran", "step.sever.recorded")


@pytest.mark.timeout(900)
# tests/jobs/connecting dies at each point alone on both databases; the quick run takes the one with more processes here.
@pytest.mark.parametrize("kind", ["sqlite", "postgres"] if os.environ.get("SOAK") else ["postgres"])
def test_killed_on_its_way_it_is_disconnected_and_erased(
    request: pytest.FixtureRequest, tmp_path: Path, server: ForkServer, kind: str
) -> None:
    database: Database = request.getfixturevalue(f"{kind}_database")
    with world_on(database, tmp_path, server) as world:
        world.begin()
        world.asked(DANIEL, "refresh all")
        world.settled(120)
        shop, books = _sources(world)
        lake = world.warehouse()
        kept = lake.counts(books.id)
        assert traces(_place(world), shop.id)
        assert world.life is not None
        world.life.kill()

        world.begin(crash_at="disconnect.cut")
        _disconnect(world)
        assert world.life.died() == -signal.SIGKILL
        for point in DEATHS if os.environ.get("SOAK") else DEATHS[1:4]:
            assert world.begin(crash_at=point).died(60) == -signal.SIGKILL, point
        world.begin()
        ended = world.look(lambda: _ended(world), 60)
        assert ended, "it did not come to its end"
        (row,) = ended
        assert (row.outcome, row.grant) == (GrantEnd.REVOKED, None)
        assert row.data_erased_at is not None
        assert all(grant.revoked for grant in world.sandbox.shopify.oauth.grants(SHOP))
        connection = database.in_read(lambda session: session.get_one(ConnectionRow, shop.id))
        assert (connection.state, connection.credentials) == (ConnectionState.DISCONNECTED, None)
        assert lake.counts(shop.id) == {}
        # Every row carries its source's id; the erasure's own commit says whose it was.
        assert traces(_place(world), shop.id) == ["ducklake_snapshot_changes"]
        assert lake.counts(books.id) == kept
        world.settled(120)
        assert _told(world) == ["disconnect_ended", "disconnected"]
        assert database.in_read(lambda session: audit.broken_entries(session, world.organization_id)) == []


def _sources(world: World) -> list[Any]:
    found = world.database.in_read(lambda session: sources.sources_of(session, world.organization_id))
    return sorted(found, key=lambda source: source.provider is not Provider.SHOPIFY)


def _place(world: World) -> Any:
    return locate(world.settings["WAREHOUSE_URL"], world.organization_id)


def _disconnect(world: World) -> None:
    """Ask, press, choose, type and send, as an admin does; the answer to the last may never come."""
    slack = world.sandbox.slack
    world.outside.call(slack.command(DANIEL, CHANNEL, "/data", "disconnect shopify"))

    def card() -> Any:
        shown = [m for m in slack.messages(CHANNEL, viewer=DANIEL) if actions.DISCONNECT_FORM in m.actions]
        return shown[-1] if shown else None

    found = world.look(card, 60)
    assert found is not None
    world.outside.call(slack.click(DANIEL, found, actions.DISCONNECT_FORM))
    assert world.look(lambda: slack.modal(DANIEL), 60)
    world.outside.call(slack.submit_view(DANIEL, {"data": "erase", "name": SHOP}))


def _ended(world: World) -> list[Any] | None:
    def read(session: Session) -> list[Any]:
        return [row for row in session.exec(select(DisconnectRow)) if row.ended_at]

    return world.database.in_read(read) or None


def _told(world: World) -> list[str]:
    def read(session: Session) -> list[str]:
        rows = session.exec(select(DeliveryRow)).all()
        return sorted(row.kind for row in rows if row.kind.startswith("disconnect") and row.state == "sent")

    return world.database.in_read(read)
