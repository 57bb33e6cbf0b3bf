"""What became of each message, sending one again, and the test: all by the one outbox, to oneself alone, once."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.errors import NotFoundError, TooLateError
from jobs.notify.kinds import AGAIN, REFRESH_FINISHED
from jobs.notify.notifier import Notifier
from jobs.refresh.ask import TriggerKey
from jobs.timelines import MOST_OF_ONE, MOST_TESTS, SentAgain, TimelineService
from storage.facts.deliveries import Channel, DeliveryState
from storage.facts.ids import new_id
from storage.facts.people import Action, Actor
from storage.facts.sources import Provider
from storage.facts.subscriptions import Topic
from storage.facts.timelines import Reader, Timeline
from storage.records import audit, deliveries, organizations
from storage.sessions import Database, Session
from templates import slack
from templates.notices import telling
from tests.jobs.briefly import briefly
from tests.jobs.stage import Stage, staged
from tests.waiting import eventually

MAYA = "maya@temeritygoods.example"
_OPEN = {DeliveryState.PENDING, DeliveryState.SENDING}


def key(name: str | None = None) -> TriggerKey:
    return TriggerKey("T0TEMERITY", name or new_id("trg"))


def confirm(stage: Stage, address: str | None = MAYA) -> None:
    at = stage.clock.now() if address else None
    member = stage.member()
    stage.database.in_write(
        lambda session: organizations.set_email(session, member.id, address, confirmed_at=at, refused_at=None)
    )


async def ended(stage: Stage, named: str, user: str = "U0MAYA", *, least: int = 1) -> Timeline:
    """Wait until everything about it is settled."""
    actor = await stage.actor(user)

    async def look() -> Timeline | None:
        try:
            found = await stage.jobs.services.timelines.of(actor, named)
        except NotFoundError:
            return None
        over = not any(one.delivery.state in _OPEN for one in found.told)
        return found if over and len(found.told) >= least else None

    return await eventually(look)


async def test_a_result_is_accounted_for_and_is_sent_again_once_to_whoever_asks(
    database: Database, tmp_path: Path
) -> None:
    async with staged(database, tmp_path, connectors=briefly) as stage:
        confirm(stage)
        stage.mail.lie("refuse_recipient", recipient=MAYA)
        refresh_id = (await stage.request(Provider.SHOPIFY)).refresh_id
        await stage.finished(refresh_id)
        told = await ended(stage, refresh_id, least=3)
        shown = slack.render(telling.deliveries("Temerity Goods", told, value="v"), team_id="T0TEMERITY")["text"]
        assert "1 not known to have arrived" in shown
        (mail,) = [one for one in told.told if one.delivery.channel is Channel.EMAIL]
        assert mail.reader is Reader.YOU
        assert mail.delivery.state is DeliveryState.FAILED
        assert (mail.delivery.reply or "").startswith("550")
        assert mail.delivery.settled_at is not None
        assert all(one.delivery.external_id for one in told.told if one.delivery.channel is Channel.SLACK)

        # Two clicks on one card, and whoever presses gets it: nobody else, at no other address.
        services = stage.jobs.services
        assert told.again is not None
        first = await services.timelines.again(await stage.actor(), told.again, Channel.EMAIL, key("card"))
        assert first == await services.timelines.again(await stage.actor(), told.again, Channel.EMAIL, key("card"))
        after = await ended(stage, "last", least=len(told.told) + 1)
        (again,) = [one for one in after.told if one.delivery.kind == AGAIN]
        assert (again.delivery.state, again.delivery.destination) == (DeliveryState.SENT, MAYA)
        assert (again.delivery.reply or "").startswith("250")
        (letter,) = stage.mail.to(MAYA)
        assert "Sent once more, because you asked for it" in letter.text
        with stage.database.read() as session:
            organization = stage.member().organization_id
            said = audit.said_since(
                session, organization, Action.SEND_AGAIN, told.again, told.told[0].delivery.created_at
            )
        assert [row.actor for row in said] == [stage.member().id]

        # Priya did not confirm an address; a mail to Maya's is not hers to send.
        priya = await stage.actor("U0PRIYA")
        with pytest.raises(TooLateError, match="no confirmed e-mail address"):
            await services.timelines.again(priya, told.again, Channel.EMAIL, key())
        direct = await services.timelines.again(priya, told.again, Channel.SLACK, key())
        with stage.database.read() as session:
            assert deliveries.delivery(session, direct.delivery_id).destination == "T0TEMERITY/U0PRIYA"
        for _ in range(MOST_OF_ONE - 1):
            await services.timelines.again(await stage.actor(), told.again, Channel.SLACK, key())
        with pytest.raises(TooLateError, match="3 times already"):
            await services.timelines.again(await stage.actor(), told.again, Channel.SLACK, key())


async def test_what_ended_while_somebody_was_asked_for_an_address_is_mailed_once_with_the_yes(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        refresh_id = (await stage.request(Provider.SHOPIFY)).refresh_id
        await stage.finished(refresh_id)
        await ended(stage, refresh_id, least=3)
        missed = stage.jobs.services.timelines.missed
        assert not await missed(await stage.actor()), "there is no address yet"
        confirm(stage)
        assert not await missed(await stage.actor("U0PRIYA")), "it is nobody else's"
        assert await missed(await stage.actor())
        assert not await missed(await stage.actor())
        after = await ended(stage, refresh_id, least=4)
        assert [one.delivery.state for one in after.told if one.delivery.kind == AGAIN] == [DeliveryState.SENT]
        assert [letter.subject for letter in stage.mail.to(MAYA)] == ["Temerity Goods: Shopify data is ready to import"]

        # Whoever turned such mails off is mailed nothing by saying where others may go.
        confirm(stage, None)
        chosen = frozenset({Channel.SLACK})
        await stage.jobs.services.subscriptions.choose(
            await stage.actor(), None, frozenset({Topic.READY, Topic.FAILED}), chosen, key()
        )
        refresh_id = (await stage.request(Provider.SHOPIFY)).refresh_id
        await stage.finished(refresh_id)
        await ended(stage, refresh_id, least=3)
        confirm(stage)
        assert not await missed(await stage.actor())


async def test_a_test_goes_the_way_of_every_message_and_says_how_it_went(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        services = stage.jobs.services.timelines
        test_id = await services.test(await stage.actor(), key("one"))
        assert test_id == await services.test(await stage.actor(), key("one"))
        told = (await ended(stage, test_id)).told
        states = {one.delivery.channel: (one.delivery.state, one.delivery.reason) for one in told}
        assert states[Channel.SLACK] == (DeliveryState.SENT, None)
        assert states[Channel.EMAIL] == (DeliveryState.SKIPPED, "no confirmed e-mail address")
        (slack_one,) = [one.delivery for one in told if one.delivery.channel is Channel.SLACK]
        assert len(stage.slack.journal.posts(key=slack_one.id)) == 1

        # Nobody sees the test of somebody else, nor anything of another organization.
        for named in (test_id, slack_one.id):
            with pytest.raises(NotFoundError):
                await services.of(await stage.actor("U0DANIEL"), named)
        for number in range(MOST_TESTS - 1):
            await services.test(await stage.actor(), key(f"more {number}"))
        with pytest.raises(TooLateError, match="5 tests in an hour"):
            await services.test(await stage.actor(), key("too many"))
        stage.clock.advance(timedelta(hours=1, seconds=1))
        await services.test(await stage.actor(), key("later"))


class _Direct(TimelineService):
    """The bug: a repetition that goes past the outbox leaves no delivery behind, and comes with every click."""

    async def again(self, actor: Actor, delivery_id: str, channel: Channel, trigger: TriggerKey) -> SentAgain:
        return SentAgain(new_id("dlv"), channel)


@pytest.mark.parametrize("broken", [False, True])
async def test_a_repetition_is_a_delivery_and_others_find_nothing(
    sqlite_database: Database, tmp_path: Path, *, broken: bool
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        notifier = Notifier(lambda _session, _work: None, support_channel="", support_email="")
        service = (_Direct if broken else TimelineService)(stage.jobs.desk, stage.clock, notifier)
        lost = _lost(stage)
        maya = await stage.actor()
        sent = await service.again(maya, lost, Channel.SLACK, key("a"))
        twice = await service.again(maya, lost, Channel.SLACK, key("a"))
        rows = stage.database.in_read(lambda session: deliveries.repeated(session, [lost]))
        assert ([one.id for one in rows] == [sent.delivery_id] and twice == sent) is not broken

        assert maya.member is not None
        stranger = Actor(maya.identity, replace(maya.member, organization_id="org_other"))
        for named in (lost, "rfr_made"):
            with pytest.raises(NotFoundError):
                await service.of(stranger, named)


def _lost(stage: Stage) -> str:
    """Return a delivery of a result that was never sent."""
    member, now = stage.member(), stage.clock.now()

    def write(session: Session) -> str | None:
        return deliveries.add(
            session,
            organization_id=member.organization_id,
            kind=REFRESH_FINISHED,
            subject="rfr_made",
            channel=Channel.EMAIL,
            destination=MAYA,
            member_id=member.id,
            now=now,
            expires_at=now,
            skip_reason="no confirmed e-mail address",
        )

    return stage.database.in_write(write) or ""
