"""What is shared with a channel: once, for members of the organization alone, and nothing that only some of them see."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from jobs.channels import ChannelRefusedError, ChannelView
from jobs.errors import NotAllowedError, NotFoundError
from jobs.refresh.ask import Place
from jobs.rooms import Room
from jobs.sharing import SHARED, ShareService
from storage.facts.people import Actor, SlackIdentity
from storage.facts.sources import Provider
from storage.sessions import Database
from storage.tables import DeliveryRow
from tests.jobs.stage import Stage, staged
from tests.waiting import eventually

FINANCE = Place("T0TEMERITY", "C0FINANCE")


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
            assert await sharing.share(maya, FINANCE, "card_1", [shop.id]) == "finance"
        await sharing.share(await stage.actor("U0DANIEL"), FINANCE, "card_2", [])
        await eventually(lambda: len(posted(stage)) == 2, seconds=60)
        one = next(one for one in stage.slack.messages("C0FINANCE") if "Shared by <@U0MAYA>" in one.everything)
        assert not one.actions
        delivery = (one.metadata or {})["event_payload"]["delivery"]
        assert await stage.jobs.services.explain.about(maya, delivery) == [shop.id]
        assert "Checked" in one.everything
        assert "Shopify" in one.everything
        with pytest.raises(NotFoundError):
            await sharing.share(maya, FINANCE, "card_3", ["src_of_others"])
        with pytest.raises(NotAllowedError):
            await sharing.share(Actor(SlackIdentity("T0TEMERITY", "U0GUEST"), None), FINANCE, "card_4", [])
        assert len(posted(stage)) == 2


async def test_nothing_is_shared_where_others_read_along_or_no_admin_allowed_it(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path, orders=1, invoices=1) as stage:
        maya = await stage.actor("U0MAYA")
        for channel, reason in (("C0PARTNERS", "shared"), ("C0GENERAL", "not_joined")):
            with pytest.raises(ChannelRefusedError) as caught:
                await stage.jobs.services.sharing.share(maya, Place("T0TEMERITY", channel), "card_1", [])
            assert caught.value.reason == reason
        with pytest.raises(ChannelRefusedError):
            await stage.jobs.services.sharing.share(maya, Place("T0SUPPORT", "C0DATASUP"), "card_1", [])

        # A broken twin takes every channel for one that an admin allowed: the refusal above is what it lacks, and the
        # outbox still looks before it posts.
        async def anything(_actor: Actor, place: Place) -> ChannelView:
            room = Room(place.channel_id, shared=False, private=False, joined=True, archived=False)
            return ChannelView(room, allowed=True)

        twin = ShareService(stage.jobs.desk, stage.clock, stage.jobs.engine.enqueue, anything)
        await twin.share(maya, Place("T0TEMERITY", "C0PARTNERS"), "card_1", [])

        def settled() -> bool:
            rows = stage.database.in_read(
                lambda session: session.exec(select(DeliveryRow).where(DeliveryRow.kind == SHARED)).all()
            )
            return len(rows) == 1 and rows[0].settled_at is not None and rows[0].sent_at is None

        stage.clock.advance(timedelta(seconds=1))
        await eventually(settled, seconds=60)
        assert not posted(stage, "C0PARTNERS")
