"""What is shared with a channel: once, for members of the organization alone, and nothing that only some of them see."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from sqlmodel import select

from jobs.channels import ChannelRefusedError, ChannelView
from jobs.errors import NotAllowedError, NotFoundError
from jobs.explain.evidence import gather
from jobs.refresh.ask import Place
from jobs.rooms import Room
from jobs.sharing import SHARED, ShareService
from storage.facts.metrics import (
    Calculation,
    Dataset,
    Definition,
    Metric,
    MetricState,
    Period,
    Selection,
    Value,
)
from storage.facts.people import Actor, Role, SlackIdentity
from storage.facts.shared import Answer, Shareable
from storage.facts.sources import Provider
from storage.records import metric_keeping, metrics
from storage.records.metric_keeping import Calculated
from storage.sessions import Database, Session
from storage.tables import DeliveryRow, RefreshPersonRow
from tests.jobs.stage import Stage, staged
from tests.jobs.test_feedback import asked
from tests.waiting import eventually

FINANCE = Place("T0TEMERITY", "C0FINANCE")
EVERYTHING = Answer(Shareable.STATUS)


def posted(stage: Stage, channel: str = "C0FINANCE") -> list[str]:
    """Return what everybody in the channel sees of what was shared."""
    return [one.everything for one in stage.slack.messages(channel) if "Shared by" in one.everything]


async def test_what_is_shared_is_posted_once_for_all_with_its_time_and_nothing_to_press(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path, orders=1, invoices=1) as stage:
        sharing, maya = stage.jobs.services.sharing, await stage.actor("U0MAYA")
        shop = stage.source(Provider.SHOPIFY)
        for _ in range(2):
            assert await sharing.share(maya, FINANCE, "card_1", Answer(Shareable.STATUS, (shop.id,))) == "finance"
        await sharing.share(await stage.actor("U0DANIEL"), FINANCE, "card_2", EVERYTHING)
        await eventually(lambda: len(posted(stage)) == 2, seconds=60)
        one = next(one for one in stage.slack.messages("C0FINANCE") if "Shared by <@U0MAYA>" in one.everything)
        assert not one.actions
        delivery = (one.metadata or {})["event_payload"]["delivery"]
        assert await stage.jobs.services.explain.about(maya, delivery) == [shop.id]
        assert "Checked" in one.everything
        assert "Shopify" in one.everything
        with pytest.raises(NotFoundError):
            await sharing.share(maya, FINANCE, "card_3", Answer(Shareable.STATUS, ("src_of_others",)))
        with pytest.raises(NotAllowedError):
            await sharing.share(Actor(SlackIdentity("T0TEMERITY", "U0GUEST"), None), FINANCE, "card_4", EVERYTHING)
        assert len(posted(stage)) == 2


def waits(session: Session, stage: Stage) -> None:
    """Let Maya wait for a refresh of the shop."""
    asked(session, stage)
    session.add(RefreshPersonRow(refresh_id="rfr_own", member_id=stage.member().id, joined_at=stage.clock.now()))


def shown(stage: Stage, count: int) -> bool:
    """Whether so many answers stand in the channel."""
    return len(posted(stage)) == count


def metric(stage: Stage) -> str:
    """Make a metric with a value, of a source that has not been collected for long; return its id."""
    books, now = stage.source(Provider.QUICKBOOKS), stage.clock.now()
    period = Period(now.date().replace(day=1), now.date())
    made = Metric("met_1", books.organization_id, books.id, books.account, "Net sales",
                  Definition(Selection(Dataset.REVENUE), Calculation.SUM), 1, stage.member("U0DANIEL").id, "", now,
                  MetricState.CALCULATING, "", None, "", None, 0)  # fmt: skip

    def work(session: Session) -> None:
        metrics.add(session, made, made.owner_id)
        metric_keeping.keep(
            session, made, [Value(period, Decimal(1204), "")], Calculated("run_0", 1, now, "USD", 1), now
        )

    stage.database.in_write(work)
    return made.id


async def test_every_kind_of_answer_is_shared_as_any_member_sees_it_and_never_to_outsiders(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path, orders=1, invoices=1) as stage:
        sharing, maya = stage.jobs.services.sharing, await stage.actor("U0MAYA")
        shop, made = stage.source(Provider.SHOPIFY).id, metric(stage)
        stage.database.in_write(lambda session: waits(session, stage))
        table = {
            Answer(Shareable.HISTORY, (shop,)): ("History of Shopify", "“Data as of” moves only"),
            Answer(Shareable.HISTORY): ("History of", "“Data as of” moves only"),
            Answer(Shareable.WHY, (shop,)): ("Who has to act", "Next automatic attempt", "/data why temeritygoods"),
            Answer(Shareable.METRICS): ("Net sales", "Data as of", "not current"),
            Answer(Shareable.METRIC_WHY, metric_id=made): ("Net sales", "Calculation", "/data why Net sales"),
            Answer(Shareable.METRIC, metric_id=made): (
                "Net sales",
                "1,204.00 USD",
                "Oldest input",
                ":white_circle:",
                "/data metric Net sales",
            ),
        }
        for number, (wanted, words) in enumerate(table.items()):
            with pytest.raises(ChannelRefusedError) as caught:
                await sharing.share(maya, Place("T0TEMERITY", "C0PARTNERS"), f"card_{number}", wanted)
            assert caught.value.reason == "shared"
            await sharing.share(maya, FINANCE, f"card_{number}", wanted)
            await eventually(partial(shown, stage, number + 1), seconds=60)
            one = stage.slack.messages("C0FINANCE")[-1]
            assert all(word in one.everything for word in (*words, "Shared by <@U0MAYA>, as of", "How it stands now"))
            assert not one.actions
        # As she sees it herself, with what she asked for, is the twin: that is not for the channel.
        member, source, now = stage.member(), stage.source(Provider.SHOPIFY), stage.clock.now()
        own = stage.database.in_read(lambda session: gather(session, member, source, now, budget=1))
        of_all = stage.database.in_read(lambda session: gather(session, None, source, now, budget=1))
        assert (own.asked is not None, of_all.asked, of_all.reader) == (True, None, Role.VIEWER)
        for wrong in (Answer(Shareable.WHY), Answer(Shareable.METRIC), Answer(Shareable.METRIC_WHY),
                      Answer(Shareable.METRIC, metric_id="met_rival"),
                      Answer(Shareable.WHY, ("src_of_others",)), Answer(Shareable.HISTORY, ("src_of_others",))):  # fmt: skip
            with pytest.raises(NotFoundError):
                await sharing.share(maya, FINANCE, "card_wrong", wrong)


async def test_nothing_is_shared_where_others_read_along_or_no_admin_allowed_it(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path, orders=1, invoices=1) as stage:
        maya = await stage.actor("U0MAYA")
        for channel, reason in (("C0PARTNERS", "shared"), ("C0GENERAL", "not_joined")):
            with pytest.raises(ChannelRefusedError) as caught:
                await stage.jobs.services.sharing.share(maya, Place("T0TEMERITY", channel), "card_1", EVERYTHING)
            assert caught.value.reason == reason
        with pytest.raises(ChannelRefusedError):
            await stage.jobs.services.sharing.share(maya, Place("T0SUPPORT", "C0DATASUP"), "card_1", EVERYTHING)

        # A broken twin takes every channel for one that an admin allowed: the refusal above is what it lacks, and the
        # outbox still looks before it posts.
        async def anything(_actor: Actor, place: Place) -> ChannelView:
            room = Room(place.channel_id, shared=False, private=False, joined=True, archived=False)
            return ChannelView(room, allowed=True)

        twin = ShareService(stage.jobs.desk, stage.clock, stage.jobs.engine.enqueue, anything)
        await twin.share(maya, Place("T0TEMERITY", "C0PARTNERS"), "card_1", EVERYTHING)

        def settled() -> bool:
            rows = stage.database.in_read(
                lambda session: session.exec(select(DeliveryRow).where(DeliveryRow.kind == SHARED)).all()
            )
            return len(rows) == 1 and rows[0].settled_at is not None and rows[0].sent_at is None

        stage.clock.advance(timedelta(seconds=1))
        await eventually(settled, seconds=60)
        assert not posted(stage, "C0PARTNERS")
