"""Verdicts about refreshes: the last counts, own organization only, words sealed and gone with their person."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from bot import feedback as bot_feedback
from jobs.errors import NotAllowedError, NotFoundError
from jobs.feedback import FeedbackService
from jobs.leavers import Leavers
from jobs.notify.notifier import Notifier
from jobs.people import Profile
from jobs.refresh.ask import TriggerKey
from jobs.upkeep import HISTORY, replay_memory_sweep
from storage.facts.feedback import Given, Verdict
from storage.facts.people import SlackIdentity
from storage.facts.sources import Provider
from storage.records import feedback
from storage.sessions import Database, Session
from storage.tables import FeedbackRow, RefreshRow, RefreshRunRow, RunRow
from templates.notices.feedback import MOST, feedback_parts
from tests.bot.test_matrix import plant
from tests.jobs.stage import Stage, staged

SECRET = "Invoice 1042 of Rosewood is missing"


def asked(session: Session, stage: Stage) -> str:
    """Add a refresh with one run, and return its source."""
    maya, now = stage.member("U0MAYA"), stage.clock.now()
    source = stage.source(Provider.SHOPIFY).id
    org: dict[str, Any] = {"organization_id": maya.organization_id}
    session.add(RefreshRow(id="rfr_own", **org, requested_by=maya.id, requested_at=now, everything=False))
    session.add(RunRow(id="run_own", **org, source_id=source, trigger="request", slot_key="rfr_own", state="ready",
                       requested_at=now))  # fmt: skip
    session.flush()
    session.add(RefreshRunRow(refresh_id="rfr_own", run_id="run_own"))
    return source


def rows(stage: Stage) -> list[tuple[str, bytes | None]]:
    """Return verdicts and sealed words as they are stored."""
    return stage.database.in_read(lambda s: [(one.verdict, one.words) for one in s.exec(select(FeedbackRow)).all()])


async def test_the_last_verdict_counts_and_admins_of_the_same_organization_read_it(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path, swept=False, orders=1, invoices=1) as stage:
        source = stage.database.in_write(lambda session: asked(session, stage))
        stage.database.in_write(lambda session: plant(session, stage.clock.now()))
        said: FeedbackService = stage.jobs.services.feedback
        maya, daniel = await stage.actor("U0MAYA"), await stage.actor("U0DANIEL")
        await said.give(maya, "rfr_own", Verdict.UP)
        await said.give(maya, "rfr_own", Verdict.DOWN, SECRET)
        # Pressed again, or noted after the form was sent; the other thumb takes the words with it.
        await said.give(maya, "rfr_own", Verdict.DOWN)
        [(verdict, words)] = rows(stage)
        assert verdict == "down"
        assert words is not None
        assert b"Rosewood" not in words
        [told] = await said.told(daniel, source)
        assert (told.verdict, told.words) == (Verdict.DOWN, SECRET)
        await said.give(maya, "rfr_own", Verdict.UP)
        assert rows(stage) == [("up", None)]
        await said.give(maya, "rfr_own", Verdict.DOWN, SECRET)
        assert "helpful 0, not right 1" in str(feedback_parts([told])[0])
        for wrong in ("rfr_rival", "rfr_nobody", ""):
            with pytest.raises(NotFoundError):
                await said.give(maya, wrong, Verdict.UP)
        with pytest.raises(NotFoundError):
            await said.told(daniel, "src_rival")
        with pytest.raises(NotAllowedError):
            await said.told(maya, source)
        assert len(rows(stage)) == 1
        # An answer is kept by what it was about; of sources of others nothing is.
        await said.give(maya, Given("ans_1", ("status", "when_next"), (source,)), Verdict.DOWN, SECRET)
        await said.give(maya, Given("ans_2", ("not_understood",)), Verdict.UP)
        with pytest.raises(NotFoundError):
            await said.give(maya, Given("ans_3", ("status",), ("src_rival",)), Verdict.UP)
        assert {one.kinds for one in await said.told(daniel, source)} == {(), ("status", "when_next")}
        assert len(await said.told(daniel)) == 3
        assert "about an answer (status and when next)" in str(feedback_parts(await said.told(daniel, source)))
        with pytest.raises(NotAllowedError):
            await said.told(maya)


async def test_words_go_with_the_person_and_with_erased_data(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, swept=False, orders=1, invoices=1) as stage:
        stage.database.in_write(lambda session: asked(session, stage))
        maya, said = await stage.actor("U0MAYA"), stage.jobs.services.feedback
        assert maya.member is not None
        mine, daniel = maya.member, await stage.actor("U0DANIEL")
        profile = {"there": Profile(full_member=True, name="Maya", email=None, timezone="UTC")}

        async def asked_slack(_: SlackIdentity) -> Profile | None:
            return profile["there"]

        def hinted() -> frozenset[SlackIdentity]:
            return frozenset({maya.identity})

        notifier = Notifier(lambda *_: None, support_channel="", support_email="")
        leavers = Leavers(stage.database, asked_slack, notifier, hinted, stage.clock.now)

        async def left_slack() -> None:
            # Whoever only changed their name has not left: a twin that believes every hint forgets words too early.
            await leavers.sweep()
            assert rows(stage)[0][1] is not None
            profile["there"] = replace(profile["there"], full_member=False)
            await leavers.sweep()

        async def erased() -> None:
            stage.database.in_write(lambda session: feedback.forget_organization(session, mine.organization_id))

        async def removed() -> None:
            await stage.jobs.services.members.revoke(daniel, mine.id, TriggerKey("T0TEMERITY", "t1"))

        for forget in (left_slack, erased, removed):
            await said.give(maya, "rfr_own", Verdict.DOWN, SECRET)
            # The broken twin forgets somebody else, and the words stay.
            stage.database.in_write(lambda session: feedback.forget_person(session, "mem_somebody"))
            assert rows(stage)[0][1] is not None
            await forget()
            assert rows(stage) == [("down", None)]
        swept = replay_memory_sweep(stage.jobs.ground)
        stage.clock.advance(HISTORY - timedelta(days=1))
        await swept()
        assert len(rows(stage)) == 1
        stage.clock.advance(timedelta(days=2))
        await swept()
        assert rows(stage) == []


def test_what_is_forgotten_is_found_by_an_index(sqlite_database: Database) -> None:
    statement = "DELETE FROM feedback WHERE organization_id IN (SELECT id FROM organizations) AND at < 'x'"
    plan = sqlite_database.in_read(
        lambda s: str(s.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all())
    )
    assert "SEARCH feedback USING" in plan


def test_what_nobody_said_is_not_shown_and_words_have_an_end() -> None:
    assert feedback_parts([]) == ()
    assert MOST == 500
    assert str(MOST) in bot_feedback.TOO_LONG
