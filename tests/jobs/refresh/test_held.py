"""A full read with far fewer rows is held; a manager lets it through, once, and no further than was agreed."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.access_policy import AccessPolicy
from jobs.errors import NoAccessError, NotAllowedError, NotFoundError, TooLateError
from jobs.notify.notifier import Notifier
from jobs.refresh.ask import Joined, Place, Started, TriggerKey
from jobs.refresh.held import HeldService
from storage.facts.access import RefreshAccess
from storage.facts.people import Actor, Role
from storage.facts.runs import FailureKind, Run, RunState
from storage.facts.sources import Provider
from storage.records import audit, receipts
from storage.sessions import Database
from tests.jobs.briefly import briefly
from tests.jobs.stage import SHOP, Stage, staged
from tests.waiting import eventually

PLACE = Place("T0TEMERITY", "C0FINANCE")


async def _shrunk(stage: Stage, gone: int) -> None:
    """Let the shop lose so many orders, so long ago that it is read in full again."""
    stage.shopify.shops[SHOP].mutate(seed=7, new=0, changed=0, deleted=gone)
    stage.clock.advance(timedelta(days=31))


async def _read(stage: Stage) -> Run:
    refresh = await stage.finished((await stage.request(Provider.SHOPIFY)).refresh_id)
    return refresh.runs[0][1]


async def _load(stage: Stage, actor: Actor, run_id: str, card: str) -> Run:
    outcome: Any = await stage.jobs.services.held.load(actor, run_id, TriggerKey("T0TEMERITY", card), PLACE)
    assert isinstance(outcome, Started)
    return (await stage.finished(outcome.refresh_id)).runs[0][1]


async def test_a_manager_lets_a_held_read_through_once(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, orders=120, connectors=briefly) as stage:
        assert (await _read(stage)).state is RunState.READY
        await _shrunk(stage, gone=80)
        run = await _read(stage)
        assert run.failure is not None
        assert run.failure.kind is FailureKind.HELD
        assert run.held is not None
        assert (run.held.stream, run.held.after) == ("orders", 40)
        desk = stage.jobs.services.held
        manager, maya = await stage.actor("U0DANIEL"), await stage.actor()
        assert manager.member is not None
        assert manager.member.role.includes(Role.MANAGER)
        posted = await eventually(lambda: stage.slack.messages("C0FINANCE", viewer="U0MAYA"))
        await eventually(lambda: "Load it anyway" in stage.slack.messages("C0FINANCE", viewer="U0MAYA")[-1].everything)
        assert posted

        with pytest.raises(NotAllowedError):
            await desk.load(maya, run.id, TriggerKey("T0TEMERITY", "card_0"), PLACE)
        with pytest.raises(NotFoundError):
            await desk.ask(manager, "run_of_somebody_else")
        # Letting it through starts a refresh by hand: where access is given by request, it needs that, too.
        closed = AccessPolicy(RefreshAccess.BY_REQUEST)
        notifier = Notifier(stage.jobs.engine.enqueue, support_channel="", support_email="")
        asking = HeldService(stage.jobs.desk, stage.clock, stage.jobs.engine.enqueue, notifier, closed)
        for attempt in (
            asking.ask(manager, run.id),
            asking.load(manager, run.id, TriggerKey("T0TEMERITY", "card_closed"), PLACE),
        ):
            with pytest.raises(NoAccessError):
                await attempt
        held = await desk.ask(manager, run.id)
        assert held.found == run.held
        loaded = await _load(stage, manager, run.id, "card_1")
        again = await desk.load(manager, run.id, TriggerKey("T0TEMERITY", "card_1"), PLACE)

        assert loaded.state is RunState.READY, loaded.failure
        assert loaded.counts["orders"].total == 40
        assert isinstance(again, Joined)
        with pytest.raises(TooLateError):
            await desk.ask(manager, run.id)
        with stage.database.read() as session:
            assert audit.broken_entries(session, stage.organization_id) == []
            assert receipts.broken(session, stage.organization_id) == []
        # The agreement was for that read alone.
        await _shrunk(stage, gone=25)
        assert (await _read(stage)).held is not None


async def test_an_agreement_reaches_no_further_than_what_was_shown(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, orders=200, connectors=briefly) as stage:
        assert (await _read(stage)).state is RunState.READY
        await _shrunk(stage, gone=100)
        run = await _read(stage)
        assert run.held is not None
        # Between the question and the answer nearly everything else went, too.
        await _shrunk(stage, gone=60)

        once_more = await _load(stage, await stage.actor("U0DANIEL"), run.id, "card_1")

        assert once_more.state is RunState.FAILED
        assert once_more.held is not None
        assert (once_more.held.before, once_more.held.after) == (run.held.before, 40)
