"""A lost connection is said once, reminded of, and edited to its end; the data in the warehouse stays."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from jobs.incidents.noticing import back, judged, lost, next_reminder
from jobs.notify.notifier import Notifier
from sandbox.misbehave import Kind, Rule
from storage.facts.clock import OffsetClock
from storage.facts.incidents import IncidentKind, Resolution
from storage.facts.secret import Secret
from storage.facts.sources import ConnectionState, Provider
from storage.records import incidents, organizations, sources
from storage.seal import Seal, new_key
from storage.seed_file import load_seed
from storage.seeding import Seeding, write_seed
from storage.sessions import Database, Session
from storage.tables import ConnectionRow, DeliveryRow, IncidentRow
from tests.jobs.briefly import briefly
from tests.jobs.stage import Stage, staged
from tests.storage.test_seed_file import ENVIRONMENT, EXAMPLE
from tests.storage.test_seeding import MODES, NOW, ORGANIZATION
from tests.waiting import eventually


def _posts(stage: Stage, channel: str, viewer: str, words: str) -> list[Any]:
    return [post for post in stage.slack.messages(channel, viewer=viewer) if words in post.everything]


def _open(stage: Stage) -> Any:
    source = stage.source(Provider.SHOPIFY)
    return stage.database.in_read(lambda s: incidents.find_open(s, source.id, IncidentKind.DISCONNECTED))


async def test_a_refused_grant_is_said_once_in_the_channel_and_to_whoever_can_act(
    database: Database, tmp_path: Path
) -> None:
    async with staged(database, tmp_path, connectors=briefly) as stage:
        first = await stage.request(Provider.SHOPIFY)
        await stage.finished(first.refresh_id)
        stage.shopify.oauth.revoke("temeritygoods.myshopify.com")
        second = await stage.request(Provider.SHOPIFY)
        await stage.finished(second.refresh_id)

        assert stage.source(Provider.SHOPIFY).connection is ConnectionState.DISCONNECTED
        (post,) = await eventually(lambda: _posts(stage, "C0FINANCE", "U0MAYA", "is disconnected."))
        assert "Reconnect Shopify" in post.everything
        assert "What stops" in post.everything
        assert "collections of Shopify (" in post.everything
        # Nobody connected it by hand, so the admin is told directly.
        await eventually(lambda: _posts(stage, "D0DANIEL", "U0DANIEL", "is disconnected."))

        def settled(session: Session) -> int:
            rows = session.exec(select(DeliveryRow).where(DeliveryRow.kind == "incident_card")).all()
            return len([row for row in rows if row.state == "sent"])

        await eventually(lambda: stage.database.in_read(settled) == 2)
        assert len(_posts(stage, "C0FINANCE", "U0MAYA", "is disconnected.")) == 1


async def test_it_is_edited_when_the_connection_is_back_and_nobody_is_reminded_any_more(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        source = stage.source(Provider.SHOPIFY)
        stage.shopify.oauth.revoke("temeritygoods.myshopify.com")
        notifier = Notifier(stage.engine.enqueue, support_channel="", support_email="")
        now = stage.clock.now()

        def lose(session: Session) -> None:
            organizations.lock(session, stage.organization_id)
            assert lost(session, source.id, "Shopify refused the stored grant", now, notifier)
            assert not lost(session, source.id, "Shopify refused the stored grant", now, notifier)

        stage.database.in_write(lose)
        await eventually(lambda: _posts(stage, "C0FINANCE", "U0MAYA", "is disconnected."))
        found = _open(stage)

        def win(session: Session) -> None:
            organizations.lock(session, stage.organization_id)
            sources.set_connection(session, source.id, ConnectionState.CONNECTED, None, stage.clock.now())
            assert back(session, source.id, Resolution.RECONNECTED, stage.clock.now(), notifier)

        stage.database.in_write(win)
        await eventually(lambda: _posts(stage, "C0FINANCE", "U0MAYA", "is reconnected"))
        stage.clock.advance(timedelta(days=30))
        due = stage.database.in_read(lambda s: incidents.due(s, stage.clock.now()))
        assert found.id not in [incident.id for incident in due]
        ended = stage.database.in_read(lambda s: incidents.find(s, found.id))
        assert ended is not None
        assert ended.resolution is Resolution.RECONNECTED


async def test_reminders_come_on_their_days_to_owner_and_admins_alone(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        source = stage.source(Provider.SHOPIFY)
        # Else the daily look at what lies still would find the grant good, and clear the alarm.
        stage.shopify.oauth.revoke("temeritygoods.myshopify.com")
        notifier = Notifier(stage.engine.enqueue, support_channel="", support_email="")

        def lose(session: Session) -> None:
            organizations.lock(session, stage.organization_id)
            lost(session, source.id, "Shopify refused the stored grant", stage.clock.now(), notifier)

        stage.database.in_write(lose)
        sweep = next(sweep for sweep in stage.jobs.sweeps if sweep.name == "reminders")
        for days, expected in ((1, 1), (1, 1), (1, 2), (4, 3), (7, 4)):
            stage.clock.advance(timedelta(days=days))
            await sweep.run()

            def enough(want: int = expected) -> list[Any] | None:
                found = _posts(stage, "D0DANIEL", "U0DANIEL", "still disconnected")
                return found if len(found) >= want else None

            reminders = await eventually(enough)
            assert len(reminders) == expected
        assert not _posts(stage, "C0FINANCE", "U0MAYA", "still disconnected")


@pytest.mark.parametrize(
    "sent, days, expected", [(0, 0, 1), (1, 1, 3), (2, 3, 7), (3, 7, 14), (4, 14, 21), (1, 40, 45)]
)
def test_when_reminders_are_due(sent: int, days: int, expected: int) -> None:
    opened = OffsetClock().now()
    assert next_reminder(opened, sent, opened + timedelta(days=days)) == opened + timedelta(days=expected)


class _Forgetful:
    """A twin that opens an incident at every failure."""

    @staticmethod
    def lost(session: Session, stage: Stage, source_id: str, number: int) -> None:
        row = IncidentRow(
            id=f"inc_{number}",
            organization_id=stage.organization_id,
            source_id=source_id,
            kind="disconnected",
            reason="again",
            opened_at=stage.clock.now(),
        )
        session.add(row)
        session.flush()


async def test_the_database_itself_allows_one_open_incident(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path, connectors=briefly) as stage:
        source = stage.source(Provider.SHOPIFY)
        stage.database.in_write(lambda s: _Forgetful.lost(s, stage, source.id, 1))
        with pytest.raises(Exception, match=r"(?i)unique|uq_open_incident"):
            stage.database.in_write(lambda s: _Forgetful.lost(s, stage, source.id, 2))


async def test_an_outage_is_no_lost_connection(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        stage.shopify.script.add(Rule(Kind.SERVER_ERROR, operation="query", times=50))
        outcome = await stage.request(Provider.SHOPIFY)
        await stage.finished(outcome.refresh_id)
        assert _open(stage) is None
        assert stage.source(Provider.SHOPIFY).connection is ConnectionState.CONNECTED


async def test_an_access_that_cannot_be_renewed_is_kept_and_said(sqlite_database: Database, tmp_path: Path) -> None:
    """T40: nothing is overwritten, the connection says what is wrong, and the next good run clears it."""
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        source = stage.source(Provider.SHOPIFY)

        def stored(session: Session) -> bytes | None:
            return session.get_one(ConnectionRow, source.id).credentials

        before = sqlite_database.in_read(stored)
        stage.clock.advance(timedelta(hours=2))
        for trouble, expected in ((True, ConnectionState.ATTENTION), (False, ConnectionState.CONNECTED)):
            if trouble:
                stage.shopify.script.add(Rule(Kind.MALFORMED, operation="token", code="no_refresh_token", times=50))
            outcome = await stage.request(Provider.SHOPIFY)
            await stage.finished(outcome.refresh_id)
            stage.shopify.script.clear()
            now = stage.source(Provider.SHOPIFY)
            assert now.connection is expected
            assert ("could not be renewed" in (now.connection_reason or "")) == trouble
            assert (sqlite_database.in_read(stored) == before) == trouble
            assert _open(stage) is None


SCOPES = "Shopify did not grant everything"


def _silent(session: Session, source_id: str, code: str | None, now: datetime) -> None:
    """The twin that keeps what it had, and says nothing."""
    _ = session, source_id, code, now


def _sticky(session: Session, source_id: str, code: str | None, now: datetime) -> None:
    """The twin that never takes back what it said."""
    if code is not None:
        judged(session, source_id, code, now)


def _eager(session: Session, source_id: str, code: str | None, now: datetime) -> None:
    """The twin for which a good run cures everything."""
    judged(session, source_id, code, now)
    if code is None:
        sources.set_connection(session, source_id, ConnectionState.CONNECTED, None, now)


def _shaken(session: Session, source_id: str, code: str | None, now: datetime) -> None:
    """The twin for which every failure of a run is one of the connection."""
    judged(session, source_id, "token_malformed" if code else None, now)


@pytest.mark.parametrize(
    "judge, holds", [(judged, True), *((twin, False) for twin in (_silent, _sticky, _eager, _shaken))]
)
def test_runs_move_a_connection_to_attention_and_back(
    sqlite_database: Database, judge: Callable[..., None], *, holds: bool
) -> None:
    """T40: what moves it is an answer that is none, what moves it back is a good run; nothing else, and no incident."""
    seed = load_seed(EXAMPLE, ENVIRONMENT)
    sqlite_database.in_write(lambda session: write_seed(session, seed, Seeding(Seal([Secret(new_key())]), NOW, MODES)))
    shop = sqlite_database.in_read(lambda session: sources.sources_of(session, ORGANIZATION))[1]
    good, bad, gone = ConnectionState.CONNECTED, ConnectionState.ATTENTION, ConnectionState.DISCONNECTED

    def after(start: ConnectionState, *codes: str | None) -> ConnectionState:
        reason = None if start is good else SCOPES

        def play(session: Session) -> ConnectionState:
            sources.set_connection(session, shop.id, start, reason, NOW)
            for code in codes:
                judge(session, shop.id, code, NOW)
            return sources.source(session, shop.id).connection

        return sqlite_database.in_write(play)

    no_answers = ("token_malformed", "token_refused", "invalid_client")
    played: dict[tuple[object, ...], tuple[ConnectionState, ConnectionState]] = {}
    played |= {(good, code): (after(good, code), bad) for code in no_answers}
    played |= {(good, code, None): (after(good, code, None), good) for code in no_answers}
    played[good, "an outage"] = (after(good, "token_service"), good)
    played[good, "no answer, then an outage"] = (after(good, "token_malformed", "token_service"), bad)
    played[bad, "for another reason"] = (after(bad, "token_malformed", None), bad)
    played[gone, "already"] = (after(gone, "token_malformed", None), gone)
    wrong = [case for case, (came, expected) in played.items() if came is not expected]
    assert (wrong == []) is holds
    assert _open_incidents(sqlite_database) == 0


def _open_incidents(database: Database) -> int:
    return len(database.in_read(lambda session: session.exec(select(IncidentRow)).all()))
