"""Connecting PocketAdvantage by its form: after QuickBooks, without a run, in the organization's own place, sealed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from connectors.base import ProviderSettings
from connectors.grants import HintError, Pairs, Returned
from connectors.pocketadvantage.connector import PocketAdvantageConnector
from connectors.pocketadvantage.grant import PocketAdvantageGrants
from jobs.connecting.disconnect import Confirmation, DisconnectService
from jobs.connecting.service import ConnectService
from jobs.errors import FlowGoneError, FlowRefusedError
from jobs.exchange.far_sides import DeclaredSides
from jobs.refresh.ask import TriggerKey
from storage.facts.flows import FlowState
from storage.facts.people import Actor
from storage.facts.secret import Secret
from storage.facts.sources import CollectMode, ConnectionState, Provider
from storage.records import connections, exchange, organizations, sources
from storage.records.connections import GrantToStore
from storage.sessions import Database, Session
from storage.tables import ConnectionRow
from tests.jobs.connecting.parting import ground_of
from tests.jobs.connecting.stage import DANIEL, A, Stage, a_browser, everything, staged

POCKET = Provider.POCKETADVANTAGE
TYPED = {
    "company": "Temerity Goods", "cust_id": "8812", "protocol": "local", "db_engine": "no_orders", "case": "upper",
    "encoding": "cp1252", "password": "unseen-and-unused",
}  # fmt: skip


def typed(**more: str) -> Pairs:
    return list({**TYPED, **more}.items())


@asynccontextmanager
async def exchanging(database: Database, folder: Path, *, books: bool = True) -> AsyncIterator[Stage]:
    """A stage whose provider is PocketAdvantage, in a folder of this machine."""
    async with staged(database, folder) as plain:
        settings = ProviderSettings("", Secret(""), str(folder / "exchange"), "", "", place="exchange")
        (folder / "exchange" / A).mkdir(parents=True, mode=0o700)
        means = replace(
            plain.means,
            grants_for=lambda _provider: PocketAdvantageGrants(),
            connector_for=lambda _provider: PocketAdvantageConnector(),
            providers={**plain.means.providers, POCKET: settings},
        )
        stage = replace(plain, service=ConnectService(means), means=means)
        if books:
            database.in_write(lambda session: _books(session, stage))
        yield stage


def _books(session: Session, stage: Stage, account: str = "9341", company: str = "T") -> str:
    grant = GrantToStore(b"x", 1, ConnectionState.CONNECTED, None, "", "", "", "mem_x", None, None, None)
    return connections.add_source(
        session, A, Provider.QUICKBOOKS, account, label=f"quickbooks_{account}", company=company,
        mode=CollectMode.TIMER, schedule_minutes=60, grant=grant, now=stage.clock.now(),
    )  # fmt: skip


class Guessing(PocketAdvantageGrants):
    """Takes the form without a look at the company that was chosen."""

    def returned(self, settings: ProviderSettings, query: Pairs, *, hint: str, now: datetime) -> Returned:
        return replace(super().returned(settings, query, hint=hint, now=now), books="")


@pytest.mark.parametrize("loses", [False, True])
async def test_of_several_companies_the_person_says_which(
    sqlite_database: Database, tmp_path: Path, *, loses: bool
) -> None:
    async with exchanging(sqlite_database, tmp_path) as plain:
        kind = Guessing if loses else PocketAdvantageGrants
        means = replace(plain.means, grants_for=lambda _provider: kind())
        stage = replace(plain, means=means, service=ConnectService(means))
        # The second is called as the connection will be: the name says nothing where a person has chosen.
        first, second = sqlite_database.in_write(
            lambda session: (
                _books(session, stage, "1", "Temerity Wholesale"),
                _books(session, stage, "2", "Temerity Goods"),
            )
        )
        browser = a_browser()
        link = await stage.proven(browser, provider=POCKET)
        field = next(one for one in (await stage.service.look(link, browser)).form if one.name == "books")
        assert field.choices[0].value == "", "nothing stands there before somebody chose"
        assert {choice.label for choice in field.choices[1:]} == {"T", "Temerity Wholesale", "Temerity Goods"}
        for nothing in ("", "src_of_somebody_else"):
            with pytest.raises(HintError, match="choose the one whose records go to this account"):
                await stage.service.fill(link, browser, typed(books=nothing))
        view = await stage.service.fill(link, browser, typed(books=first))
        connected = await stage.service.confirm(browser, flow_id=view.id)

        def told() -> set[str]:
            return sqlite_database.in_read(
                lambda session: {one.books_id for one in exchange.pairs_of_source(session, connected.source.id)}
            )

        assert told() == ({second} if loses else {first})
        if loses:
            return
        # Reconnecting begins with it; another choice counts, and of a company that left meanwhile nothing is stored.
        for chosen in (second, first):
            again = a_browser()
            link = await stage.proven(again, provider=POCKET, source_id=connected.source.id)
            assert {(await stage.service.look(link, again)).typed["books"]} == told()
            view = await stage.service.fill(link, again, typed(books=chosen))
            if chosen == first:
                _leaves(sqlite_database, stage, first)
                with pytest.raises(FlowRefusedError, match="is not connected any more"):
                    await stage.service.confirm(again, flow_id=view.id)
            else:
                await stage.service.confirm(again, flow_id=view.id)
            assert told() == {second}


def _leaves(database: Database, stage: Stage, source_id: str) -> None:
    def write(session: Session) -> None:
        sources.set_connection(session, source_id, ConnectionState.DISCONNECTED, None, stage.clock.now())
        session.get_one(ConnectionRow, source_id).credentials = None

    database.in_write(write)


async def test_it_is_connected_after_quickbooks_alone(sqlite_database: Database, tmp_path: Path) -> None:
    async with exchanging(sqlite_database, tmp_path, books=False) as stage:
        with pytest.raises(FlowRefusedError, match="no QuickBooks company is connected"):
            await stage.link(provider=POCKET)


async def test_a_form_is_tried_confirmed_and_sealed_and_nothing_runs(sqlite_database: Database, tmp_path: Path) -> None:
    async with exchanging(sqlite_database, tmp_path) as stage:
        browser = a_browser()
        link = await stage.proven(browser, provider=POCKET)
        answer = await stage.service.try_part(link, browser, typed(), "files")
        assert answer.parts["files"].good
        assert (tmp_path / "exchange" / A / "latest8812").is_dir()
        for unknown in ("", "rows", "exchange"):
            with pytest.raises(FlowGoneError):
                await stage.service.try_part(link, browser, typed(), unknown)
        with pytest.raises(FlowGoneError):
            await stage.service.try_part(link, a_browser(), typed(), "files")
        with pytest.raises(HintError, match="Customer id"):
            await stage.service.fill(link, browser, typed(cust_id="../x"))
        view = await stage.service.fill(link, browser, typed())
        assert (view.state, view.company, view.account) == (FlowState.RETURNED, "Temerity Goods", "8812")
        connected = await stage.service.confirm(browser, flow_id=view.id)
        assert connected.source.label == "pocketadvantage_8812"
        assert (connected.source.mode, connected.run_id) == (CollectMode.EXCHANGE, None)
        assert (await stage.service.result(browser)).connected is not None
        assert b"unseen-and-unused" not in everything(sqlite_database)
        # Its pairs are there, and every one is off.
        pairs = sqlite_database.in_read(lambda session: exchange.pairs_of_source(session, connected.source.id))
        assert len(pairs) == 6
        assert not any(one.on for one in pairs)
        side = await DeclaredSides(ground_of(stage.means, tmp_path)).of(connected.source)
        assert (side.place.organization, side.place.latest, side.rules.encoding) == (A, "latest8812", "cp1252")
        # Reconnecting begins with what was typed; another customer id would be another connection.
        again = a_browser()
        link = await stage.proven(again, provider=POCKET, source_id=connected.source.id)
        shown = await stage.service.look(link, again)
        assert (shown.typed["cust_id"], shown.typed["case"]) == ("8812", "upper")
        view = await stage.service.fill(link, again, typed(cust_id="8813"))
        assert view.mismatch is not None
        # Disconnected: its key is gone, and no pair is due.
        member = sqlite_database.in_read(lambda session: organizations.member_by_identity(session, DANIEL))
        service, actor = DisconnectService(stage.means), Actor(DANIEL, member)
        parting = await service.preview(actor, connected.source.id)
        wanted = Confirmation(connected.source.id, "pocketadvantage_8812", erase=False, seen=parting.mark)
        parted = await service.disconnect(actor, wanted, TriggerKey("T0A", "trg_1"))
        assert [one.name for one in parted.dependents] == ["files and orders"]
        assert stage.connection(connected.source.id).credentials is None
