"""What refusals mean, code by code: passing ones are waited for, permanent ones go another way and are told once."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta

import pytest
from sqlmodel import select

from jobs.deliver import fates
from jobs.deliver.again import Again
from jobs.deliver.fates import SLACK, Fate, of_mail, of_slack
from jobs.deliver.handler import DeliveryHandler
from jobs.deliver.mail import MailSender
from jobs.deliver.mailing import Mailing
from jobs.deliver.posting import Posting
from jobs.deliver.slack import SlackSender
from jobs.notify.kinds import EXPIRY_WARNING, PLACE_DEAD, TEST
from jobs.notify.notifier import Notifier
from jobs.work import Work
from sandbox.mail import MailSink
from sandbox.slack import SlackWorkspace, temerity_goods
from storage.facts.clock import OffsetClock
from storage.facts.deliveries import Channel, Delivery, DeliveryState
from storage.facts.ids import new_id
from storage.facts.people import Member, Role, SlackIdentity
from storage.facts.secret import Secret
from storage.records import deliveries, members, organizations
from storage.sessions import Database, Session
from storage.tables import DeliveryRow, OrganizationRow, WorkspaceRow
from templates.notices.dead import reason_words

#: What must be said about each; written down twice on purpose.
EXPECTED: Mapping[str, Fate] = {
    "channel_not_found": Fate.PLACE,
    "is_archived": Fate.PLACE,
    "not_in_channel": Fate.PLACE,
    "restricted_action": Fate.PLACE,
    "user_disabled": Fate.PLACE,
    "missing_scope": Fate.PLACE,
    "account_inactive": Fate.SET_UP,
    "token_revoked": Fate.SET_UP,
    "ratelimited": Fate.LATER,
    "msg_too_long": Fate.MESSAGE,
    "invalid_blocks": Fate.MESSAGE,
    "internal_error": Fate.UNCLEAR,
    "nobody_knows_this": Fate.MESSAGE,
}


class Ground:
    """A database with two people, and a handler that talks to a stand-in Slack and a mail sink, without an engine."""

    def __init__(
        self,
        database: Database,
        slack: SlackWorkspace,
        sink: MailSink,
        envelope: Callable[[str, str], str] | None = None,
        sender: type[SlackSender] = SlackSender,
        posting: type[Posting] = Posting,
    ) -> None:
        self.database, self.clock = database, OffsetClock()
        self.enqueued: list[Work] = []
        self.notifier = Notifier(self._enqueue, support_channel="T0SUPPORT/C0DATASUP", support_email="")

        async def token(team_id: str) -> Secret | None:
            return Secret(slack.app.bot_token(team_id))

        self.sender = sender(slack.api_url, token, seconds=2)
        mail = MailSender(Secret(sink.smtp_url), "tidings@tidings.example", envelope=envelope)
        mailing = Mailing(database, self.clock, mail)
        self.handler = DeliveryHandler(
            database, self.clock, self._enqueue, self.notifier, posting(database, self.clock, self.sender), mailing,
            may_act=lambda: True,
        )  # fmt: skip
        database.in_write(self._seed)

    def _enqueue(self, session: Session, work: Work) -> object:
        assert session.is_active
        self.enqueued.append(work)
        return None

    def _seed(self, session: Session) -> None:
        now = self.clock.now()
        session.add(OrganizationRow(id="org_1", name="Temerity", timezone="UTC", created_at=now))
        session.flush()
        session.add(WorkspaceRow(team_id="T0TEMERITY", organization_id="org_1", name="Temerity"))
        session.flush()
        for user, name, role in (("U0MAYA", "Maya", Role.REFRESHER), ("U0DANIEL", "Daniel", Role.ADMIN)):
            members.admit(session, "org_1", SlackIdentity("T0TEMERITY", user), name, "UTC", role)

    def person(self, user: str = "U0MAYA") -> Member:
        with self.database.read() as session:
            found = organizations.member_by_identity(session, SlackIdentity("T0TEMERITY", user))
        assert found is not None
        return found

    def deliver(self, channel: Channel, to: str, kind: str = TEST, *, later: float = 10) -> str:
        """Write a delivery some seconds after the last one: a place takes about one a second."""
        self.clock.advance(timedelta(seconds=later))

        def write(session: Session) -> str | None:
            now = self.clock.now()
            return deliveries.add(
                session, organization_id="org_1", kind=kind, subject=new_id("tst"), channel=channel, destination=to,
                member_id=self.person().id, now=now, expires_at=now + timedelta(hours=24),
            )  # fmt: skip

        return self.database.in_write(write) or ""

    def one(self, delivery_id: str) -> Delivery:
        with self.database.read() as session:
            return deliveries.delivery(session, delivery_id)

    def told(self) -> list[tuple[str, str]]:
        """Return who was told that a place is dead: the person or channel, and the reason."""
        with self.database.read() as session:
            rows = session.exec(select(DeliveryRow).where(DeliveryRow.kind == PLACE_DEAD)).all()
            return [(row.destination, str((row.facts or {})["reason"])) for row in rows]


World = tuple[SlackWorkspace, MailSink]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    sink = MailSink()
    async with sink.serve(), SlackWorkspace(temerity_goods(), rates=False).serve() as slack:
        yield slack, sink


async def test_every_code_of_slack_ends_as_the_table_says(sqlite_database: Database, world: World) -> None:
    slack, sink = world
    ground = Ground(sqlite_database, slack, sink)
    codes = sorted({*SLACK, *EXPECTED})
    dead = 0
    for code in codes:
        slack.lie("chat.postMessage", "error", error=code, times=None)
        delivery_id = ground.deliver(Channel.SLACK, "T0TEMERITY/U0MAYA")
        again = await ground.handler.attempt(delivery_id)
        slack.stop_lying()
        one, fate = ground.one(delivery_id), EXPECTED.get(code, of_slack(code))
        assert fate is of_slack(code), code
        if fate in {Fate.PLACE, Fate.MESSAGE}:
            assert (one.state, again) in {(DeliveryState.FAILED, None), (DeliveryState.SENT, None)}, code
            assert one.state is DeliveryState.FAILED or code in {"invalid_blocks", "invalid_blocks_format"}, code
        else:
            assert isinstance(again, Again), code
            waits = DeliveryState.SENDING if fate is Fate.UNCLEAR else DeliveryState.PENDING
            assert one.state is waits, code
        dead += fate is Fate.PLACE
    assert dead > 20
    # One place, however many messages and reasons: one admin is told, once.
    assert [to for to, _ in ground.told()] == ["T0TEMERITY/U0DANIEL"]
    await ground.sender.close()


async def test_too_many_at_once_uses_up_the_attempt_of_one_and_of_no_other(
    sqlite_database: Database, world: World
) -> None:
    slack, sink = world
    ground = Ground(sqlite_database, slack, sink)
    slack.lie("chat.postMessage", "ratelimited", times=1, retry_after=20)
    refused, behind, elsewhere = (
        ground.deliver(Channel.SLACK, f"T0TEMERITY/{to}", later=0) for to in ("C0FINANCE", "C0FINANCE", "U0MAYA")
    )
    again = await ground.handler.attempt(refused)
    assert again is not None
    assert again.seconds == 20
    waits = await ground.handler.attempt(behind)
    assert waits is not None
    assert waits.seconds > 15
    assert (ground.one(behind).attempts, ground.one(behind).state) == (0, DeliveryState.PENDING)
    assert await ground.handler.attempt(elsewhere) is None
    assert ground.one(elsewhere).state is DeliveryState.SENT
    ground.clock.advance(timedelta(seconds=20))
    assert await ground.handler.attempt(refused) is None
    assert (ground.one(refused).attempts, ground.one(refused).state) == (2, DeliveryState.SENT)
    await ground.sender.close()


async def test_the_admins_are_told_again_only_after_something_arrived(sqlite_database: Database, world: World) -> None:
    slack, sink = world
    ground = Ground(sqlite_database, slack, sink)
    counts = []
    for _ in range(2):
        slack.lie("chat.postMessage", "error", error="user_disabled", times=None)
        for _ in range(3):
            await ground.handler.attempt(ground.deliver(Channel.SLACK, "T0TEMERITY/U0MAYA"))
        counts.append(len(ground.told()))
        slack.stop_lying()
        await ground.handler.attempt(ground.deliver(Channel.SLACK, "T0TEMERITY/U0MAYA"))
        ground.clock.advance(timedelta(minutes=1))
    assert counts == [1, 2]
    await ground.sender.close()


async def test_a_dead_mailbox_means_a_direct_message(sqlite_database: Database, world: World) -> None:
    slack, sink = world
    ground = Ground(sqlite_database, slack, sink)
    sink.lie("refuse_recipient", recipient="gone@temerity.example")
    # What the words are about is not there; the refusal comes before anybody needs them.
    lost = ground.deliver(Channel.EMAIL, "gone@temerity.example")
    assert await ground.handler.attempt(lost) is None
    assert ground.one(lost).state is DeliveryState.FAILED
    assert [to for to, _ in ground.told()] == ["T0TEMERITY/U0DANIEL"]

    warning = ground.one(ground.deliver(Channel.EMAIL, "gone@temerity.example", EXPIRY_WARNING))
    with ground.database.write() as session:
        assert ground.notifier.fall_back(session, warning, ground.clock.now())
        found = deliveries.of_subject(session, warning.subject)
    assert {(one.channel, one.destination) for one in found} == {
        (Channel.EMAIL, "gone@temerity.example"),
        (Channel.SLACK, "T0TEMERITY/U0MAYA"),
    }
    await ground.sender.close()


async def test_a_set_up_that_stays_broken_goes_the_other_way_and_is_still_tried(
    sqlite_database: Database, world: World
) -> None:
    slack, sink = world
    ground = Ground(sqlite_database, slack, sink)
    slack.lie("chat.postMessage", "error", error="token_revoked", times=None)
    waiting = ground.deliver(Channel.SLACK, "T0TEMERITY/U0MAYA")
    assert isinstance(await ground.handler.attempt(waiting), Again)
    ground.clock.advance(timedelta(minutes=16))
    assert isinstance(await ground.handler.attempt(waiting), Again)
    slack.stop_lying()
    assert await ground.handler.attempt(waiting) is None
    assert ground.one(waiting).state is DeliveryState.SENT
    await ground.sender.close()


@pytest.mark.parametrize(
    "code, said, recipient, fate",
    [
        (421, "4.3.2 closing", True, Fate.LATER),
        (451, "4.7.1 Greylisted", True, Fate.LATER),
        (550, "5.1.1 No such user", True, Fate.PLACE),
        (552, "5.2.2 Mailbox full", True, Fate.PLACE),
        (554, "5.2.1 Mailbox disabled", False, Fate.PLACE),
        (550, "No such user", True, Fate.PLACE),
        (550, "No such user", False, Fate.MESSAGE),
        (554, "5.7.1 looks like spam", True, Fate.MESSAGE),
        (552, "5.3.4 too big", False, Fate.MESSAGE),
        (535, "5.7.8 bad credentials", False, Fate.SET_UP),
        (530, "5.7.0 sign in first", False, Fate.SET_UP),
    ],
)
def test_what_mail_servers_say(code: int, said: str, fate: Fate, *, recipient: bool) -> None:
    assert of_mail(code, said, recipient=recipient) is fate


def test_a_table_that_retries_what_is_dead_is_caught() -> None:
    """The twin of before: whatever is not known to pass is tried for a day."""
    twin = {**SLACK, "is_archived": Fate.LATER}
    assert [code for code, fate in EXPECTED.items() if twin.get(code, Fate.MESSAGE) is not fate] == ["is_archived"]
    assert [code for code, fate in EXPECTED.items() if of_slack(code) is not fate] == []
    assert len(SLACK) == sum(len(codes.split()) for codes in fates._SLACK.values())
    assert reason_words("is_archived") == "the channel is archived (is_archived)"
