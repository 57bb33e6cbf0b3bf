"""Mails that come back later: believed by their token alone, told once, and never read twice."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from jobs.deliver.bounces import VALID, BounceAddresses, BounceMailbox, Bounces
from jobs.deliver.reports import read_report
from jobs.notify.kinds import EXPIRY_WARNING
from sandbox.mail import MailSink
from sandbox.providers.netsuite.mailbox import Mailbox
from sandbox.slack import SlackWorkspace, temerity_goods
from storage.facts.deliveries import Channel, Delivery, DeliveryState
from storage.facts.secret import Secret
from storage.facts.timelines import Reader as Whose
from storage.facts.timelines import Told
from storage.records import deliveries
from storage.sessions import Database, Session
from templates.notices.telling import _outcome
from tests.connectors.certificates import RIGHT, authority, server_side
from tests.jobs.deliver.test_dead_places import Ground

READER = "gone@temerity.example"
KEYS = [Secret("a key of the test, long enough")]


def report(to: str, action: str = "failed", status: str = "5.1.1", said: str = "550 5.1.1 no such user") -> bytes:
    """Return a report as a mail server writes it."""
    return (
        f"From: MAILER-DAEMON@relay.example\r\nTo: {to}\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; relay.example\r\n\r\n"
        f"Final-Recipient: rfc822; {READER}\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; {said}\r\n\r\n--b--\r\n"
    ).encode()


@dataclass
class World:
    """A mail that was taken, the mailbox where it comes back to, and whoever reads there."""

    ground: Ground
    box: Mailbox
    sink: MailSink
    addresses: BounceAddresses
    bounces: Bounces

    async def sent(self) -> tuple[str, str]:
        """Send a mail; return its delivery and its envelope sender."""
        sent = self.ground.deliver(Channel.EMAIL, READER)
        assert await self.ground.handler.attempt(sent) is None
        assert self.ground.one(sent).state is DeliveryState.SENT
        return sent, self.sink.messages[-1].sender

    def put(self, raw: bytes) -> None:
        """Let a mail come back."""
        self.box.put(raw, self.ground.clock.now().replace(microsecond=0))


@pytest.fixture
async def world(sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    (tmp_path / "authority.pem").write_text(authority())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    sink, addresses = MailSink(), BounceAddresses(KEYS, "bounces@tidings.example")
    async with (
        sink.serve(),
        SlackWorkspace(temerity_goods(), rates=False).serve() as slack,
        Mailbox(user="bounces@tidings.example").serve(server_side(RIGHT, tmp_path)) as box,
    ):
        ground = Ground(sqlite_database, slack, sink, addresses.sender)
        url = Secret(f"imaps://bounces%40tidings.example:{box.password}@127.0.0.1:{box.port}")
        bounces = Bounces(sqlite_database, ground.clock, ground.notifier, addresses, BounceMailbox(url))
        yield World(ground, box, sink, addresses, bounces)
        await ground.sender.close()


async def test_a_mail_that_comes_back_is_not_delivered_and_told_once(world: World) -> None:
    sent, sender = await world.sent()
    assert sender.startswith("bounces+")
    assert len(sender.partition("@")[0]) <= 64
    assert world.sink.messages[-1].parsed["From"] == "tidings@tidings.example"
    world.put(report(sender, "delayed", "4.4.1", "421 4.4.1 no answer"))
    await world.bounces.look()
    late = world.ground.one(sent)
    assert late.state is DeliveryState.SENT
    assert "; not in the mailbox yet, the mail server is still trying: 421 4.4.1 no answer" in _outcome(
        Told(late, Whose.YOU, "", late.kind)
    )
    # Some servers change the case of an address.
    world.put(report(sender.upper()))
    world.put(report(sender))
    await world.bounces.sweep()
    back = world.ground.one(sent)
    assert (back.state, back.reason) == (DeliveryState.FAILED, "bounced: 550 5.1.1 no such user")
    assert [to for to, _ in world.ground.told()] == ["T0TEMERITY/U0DANIEL"]
    assert world.box.seen == {1, 2, 3}

    asked = len(world.box.asked)
    await world.bounces.look()
    assert not [said for said in world.box.asked[asked:] if "BODY" in said or "STORE" in said]


class _Believing(BounceAddresses):
    def made(self, mark: str, delivery: Delivery, now: datetime) -> bool:
        """Take every mark."""
        return bool(mark and delivery and now)


class _Telling(Bounces):
    def told(self, session: Session, report: object) -> bool:
        """Tell the admins of each report."""
        assert report
        self.count = getattr(self, "count", 0) + 1
        return session.is_active


def believes_forgeries(world: World, addresses: BounceAddresses, sent: str, sender: str) -> bool:
    """Whether a report changes something that names the delivery without our token for it."""
    ground = world.ground
    bounces = Bounces(ground.database, ground.clock, ground.notifier, addresses, world.bounces._mailbox)
    local, _, domain = sender.partition("@")
    forged = f"{local[:-24]}{'a' * 24}@{domain}"
    for to in ("bounces@tidings.example", f"{sent}@tidings.example", forged):
        read = read_report(report(to))
        assert read is not None
        ground.database.in_write(partial(bounces.told, report=read))
    return ground.one(sent).state is not DeliveryState.SENT


async def test_a_report_without_our_token_changes_nothing(world: World) -> None:
    sent, sender = await world.sent()
    assert not believes_forgeries(world, world.addresses, sent, sender)
    assert world.ground.told() == []
    # Nor does one that comes too late.
    world.ground.clock.advance(VALID + timedelta(seconds=1))
    world.put(report(sender))
    await world.bounces.look()
    assert world.ground.one(sent).state is DeliveryState.SENT
    assert believes_forgeries(world, _Believing(KEYS, "bounces@tidings.example"), sent, sender)


def tells_twice(world: World, kind: Callable[..., Bounces], sender: str) -> bool:
    """Whether a report that is read twice counts twice."""
    ground = world.ground
    bounces = kind(ground.database, ground.clock, ground.notifier, world.addresses, world.bounces._mailbox)
    read = read_report(report(sender))
    assert read is not None
    return [ground.database.in_write(lambda session: bounces.told(session, read)) for _ in range(2)] == [True, True]


async def test_what_came_back_is_said_in_slack_instead(world: World) -> None:
    ground = world.ground
    lost = ground.deliver(Channel.EMAIL, READER, EXPIRY_WARNING)

    def sent(session: Session) -> None:
        deliveries.begin_attempt(session, lost, 0, ground.clock.now())
        deliveries.settle(session, lost, DeliveryState.SENT, now=ground.clock.now())

    ground.database.in_write(sent)
    world.put(report(world.addresses.sender(lost, READER)))
    await world.bounces.look()
    with ground.database.read() as session:
        found = deliveries.of_subject(session, ground.one(lost).subject)
    assert {(one.channel, one.destination, one.state) for one in found} == {
        (Channel.EMAIL, READER, DeliveryState.FAILED),
        (Channel.SLACK, "T0TEMERITY/U0MAYA", DeliveryState.PENDING),
    }


async def test_a_report_that_is_read_twice_tells_once(world: World) -> None:
    _, sender = await world.sent()
    assert not tells_twice(world, Bounces, sender)
    assert len(world.ground.told()) == 1
    assert tells_twice(world, _Telling, sender)


def test_what_is_no_report_is_none() -> None:
    whole = report("a@b.example")
    assert read_report(whole.replace(b"delivery-status; bo", b"disposition-notification; bo")) is None
    assert read_report(whole.replace(b"Action: failed", b"Action: delivered")) is None
    assert read_report(b"Subject: Out of office\r\n\r\n550 5.1.1") is None
    assert read_report(b"\xff\x00" * 1000) is None
