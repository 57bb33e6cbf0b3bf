"""Links in mails turn off such mails for one person and one topic, once; nobody turns off anything else by one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from jobs.deliver.mail import MailSender, build
from jobs.deliver.results import Refused
from jobs.desk import Desk
from jobs.notify.kinds import ESCALATION_TOLD, EXPIRY_WARNING, MAIL_OFF, WORKSPACE_LEFT
from jobs.notify.notifier import Notifier
from jobs.subscriptions.links import VALID, Claim, MailLinks
from jobs.subscriptions.mail_off import MailOff, MailOffService, Standing, mail_off_words, topic_of
from jobs.subscriptions.routing import recipients
from storage.facts.deliveries import Channel, Delivery
from storage.facts.people import Member
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from storage.facts.subscriptions import BOTH, MAIL, OFF, Topic, Ways
from storage.records import audit, deliveries, members, organizations, subscriptions
from storage.sessions import Database, Session
from templates.mail import Choice, Mail, UnsafeHeader
from tests.jobs.stage import Stage, staged
from tests.waiting import eventually

AT = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
URL = "https://tidings.example"
KEY, NEXT_KEY = Secret("k" * 43), Secret("n" * 43)
SLACK: Ways = frozenset({Channel.SLACK})


class AnyTopic(MailLinks):
    """The bug: who it is for is signed, and what it is about is not."""

    def made(self, claim: Claim, delivery: Delivery, now: object) -> bool:
        _ = now
        return any(self.link(delivery, topic).endswith(claim.mark) for topic in Topic)


class AnyReader(MailLinks):
    """The bug: whoever can name a mail may turn it off."""

    def made(self, claim: Claim, delivery: Delivery, now: object) -> bool:
        _ = claim, delivery, now
        return True


def _sent(stage: Stage, member: Member, kind: str = EXPIRY_WARNING, subject: str = "con_1.1") -> Delivery:
    """Return a mail to that person."""
    with stage.database.write() as session:
        made = deliveries.add(
            session, organization_id=member.organization_id, kind=kind, subject=subject, channel=Channel.EMAIL,
            destination=member.email or f"member:{member.id}", member_id=member.id, now=stage.clock.now(),
            expires_at=stage.clock.now() + timedelta(hours=1),
        )  # fmt: skip
        assert made is not None
        return deliveries.delivery(session, made)


def _ticket(links: MailLinks, delivery: Delivery, topic: Topic) -> str:
    return parse_qs(urlsplit(links.link(delivery, topic)).query)["ticket"][0]


def _notifier() -> Notifier:
    return Notifier(lambda session, work: (session, work), support_channel="", support_email="")


@asynccontextmanager
async def _serving(stage: Stage, links: MailLinks) -> AsyncIterator[MailOffService]:
    desk = Desk(stage.database.url)
    try:
        yield MailOffService(desk, stage.clock, _notifier(), links)
    finally:
        desk.close()


def _ways(stage: Stage, member: Member, topic: Topic, source_id: str = "", *, anyway: bool = False) -> Ways:
    with stage.database.read() as session:
        found = recipients(session, member.organization_id, topic, [source_id], [member] if anyway else [])
    return next((one.ways for one in found if one.member.id == member.id), OFF)


async def test_the_link_takes_mail_away_and_nothing_else(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        maya, daniel, links = stage.member(), stage.member("U0DANIEL"), MailLinks([KEY], URL)
        source = stage.source(Provider.SHOPIFY)
        with stage.database.write() as session:
            subscriptions.choose(session, maya, source.id, Topic.LATE, BOTH, stage.clock.now())
            subscriptions.choose(session, maya, None, Topic.FAILED, MAIL, stage.clock.now())
        late, failed = _sent(stage, maya), _sent(stage, maya, subject="con_1.2")
        async with _serving(stage, links) as service:
            ticket = _ticket(links, late, Topic.LATE)
            assert await service.look(ticket) == MailOff(Topic.LATE, Standing.OPEN)
            assert _ways(stage, maya, Topic.LATE, source.id) == BOTH
            assert await service.stop(ticket) == MailOff(Topic.LATE, Standing.DONE)
            assert _ways(stage, maya, Topic.LATE, source.id) == SLACK
            # Without a choice of hers: what she gets as one who looks after it, without mail; and nothing new.
            assert _ways(stage, maya, Topic.LATE, "another", anyway=True) == SLACK
            assert _ways(stage, maya, Topic.LATE, "another") == OFF
            assert _ways(stage, maya, Topic.FAILED) == MAIL
            assert _ways(stage, daniel, Topic.LATE, anyway=True) == BOTH
            # What went by mail alone is off.
            await service.stop(_ticket(links, failed, Topic.FAILED))
            assert _ways(stage, maya, Topic.FAILED) == OFF
            # She is told once, with the way back; it is in the audit; and pressed again it does nothing.
            with stage.database.write() as session:
                told = deliveries.of_subject(session, f"{late.id}.late")
                assert [(one.kind, one.channel, one.member_id) for one in told] == [(MAIL_OFF, Channel.SLACK, maya.id)]
                words = mail_off_words()[MAIL_OFF](session, told[0], stage.clock.now())
                assert "data is late" in words.summary
                entry = audit.newest(session, maya.organization_id, 1)[0]
                assert (entry.actor, entry.detail["by"]) == (maya.id, "a link in a mail")
                subscriptions.choose(session, maya, source.id, Topic.LATE, BOTH, stage.clock.now())
            await service.stop(ticket)
            assert _ways(stage, maya, Topic.LATE, source.id) == BOTH
            with stage.database.read() as session:
                assert len(deliveries.of_subject(session, f"{late.id}.late")) == 1


async def test_forged_old_and_foreign_links_do_nothing(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        maya, daniel, links = stage.member(), stage.member("U0DANIEL"), MailLinks([KEY], URL)
        mine, his = _sent(stage, maya), _sent(stage, daniel)
        good = _ticket(links, his, Topic.LATE)
        mark = _ticket(links, mine, Topic.LATE).rpartition(".")[2]
        other_topic = good.replace(".late.", ".disconnected.")
        forged = [
            other_topic,
            f"{his.id}.late.{mark}",
            _ticket(MailLinks([NEXT_KEY], URL), his, Topic.LATE),
            _ticket(MailLinks([KEY], "https://other.example"), his, Topic.LATE),
            good[:-1] + ("A" if good[-1] != "A" else "Q"),
            good.replace(his.id, "dlv_0"),
            good.replace(".late.", ".everything."),
        ]

        async def stopped(service: MailOffService, tickets: list[str]) -> list[str]:
            return [ticket for ticket in tickets if await service.stop(ticket) is not None]

        async with _serving(stage, links) as service:
            assert await stopped(service, forged) == []
            assert [_ways(stage, daniel, topic, anyway=True) for topic in Topic] == [BOTH] * len(Topic)
            stage.clock.advance(VALID)
            assert await stopped(service, [good]) == []
            stage.clock.advance(-VALID)
        async with _serving(stage, AnyTopic([KEY], URL)) as service:
            assert await stopped(service, [other_topic]) == [other_topic]
        async with _serving(stage, AnyReader([KEY], URL)) as service:
            assert await stopped(service, [forged[1]]) == [forged[1]]
        # A rotation: the new key signs, and mails of before it still count.
        async with _serving(stage, MailLinks([NEXT_KEY, KEY], URL)) as service:
            with stage.database.write() as session:
                members.remove(session, maya.id, stage.clock.now())
            assert await stopped(service, [good, _ticket(links, mine, Topic.FAILED)]) == [good]


async def test_the_mail_of_a_result_carries_the_link_and_other_mail_does_not(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path, more={"PUBLIC_URL": URL}) as stage:
        maya = await stage.actor()
        assert maya.member is not None
        with stage.database.write() as session:
            organizations.set_email(
                session, maya.member.id, "maya@temerity.example", confirmed_at=stage.clock.now(), refused_at=None
            )
        answer = await stage.request(Provider.SHOPIFY)
        await stage.finished(answer.refresh_id)

        letter = (await eventually(lambda: stage.mail.to("maya@temerity.example")))[0].parsed
        assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        link = str(letter["List-Unsubscribe"]).strip("<>")
        ticket = parse_qs(urlsplit(link).query)["ticket"][0]
        assert await stage.jobs.services.mail_off.look(ticket) == MailOff(Topic.READY, Standing.OPEN)
        await stage.jobs.services.mail_off.stop(ticket)
        chosen = await stage.jobs.services.subscriptions.mine(maya)
        assert [(one.topic, one.no_mail) for one in chosen.choices] == [(Topic.READY, True)]
        with stage.database.read() as session:
            must = [replace(_of(session, answer.refresh_id), kind=kind) for kind in (ESCALATION_TOLD, WORKSPACE_LEFT)]
            assert [topic_of(session, one) for one in must] == [None, None]


def _of(session: Session, subject: str) -> Delivery:
    return next(one for one in deliveries.of_subject(session, subject) if one.channel is Channel.EMAIL)


@pytest.mark.parametrize("one_click", [True, False])
def test_the_headers_are_whole_however_long_the_address(*, one_click: bool) -> None:
    link = f"{URL}/{'a' * 300}?ticket=dlv_1.late.{'m' * 43}"
    raw = build("T <t@tidings.example>", "m@t.example", _mail(link, one_click=one_click), "<1@t>", AT)
    head = raw.partition(b"\r\n\r\n")[0].decode("ascii")
    assert f"List-Unsubscribe: <{link}>\r\n" in head
    assert ("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in head) is one_click


@pytest.mark.parametrize(
    "end", ["\r\nBcc: x@evil.example", "> , <https://evil.example", " ", "\u2028", "é", "=?utf-8?q?x?="]
)
def test_an_address_becomes_no_other_header(end: str) -> None:
    with pytest.raises(UnsafeHeader):
        build("T <t@tidings.example>", "m@t.example", _mail(f"{URL}/mail/off?x={end}", one_click=True), "<1@t>", AT)


@pytest.mark.parametrize(
    "recipient",
    [
        "a@x.example>, b@evil.example",
        "alice@example.org)bob@example.com",
        "a@x.example, b@evil.example",
        "a@x.example b@evil.example",
        '"a@x.example"@evil.example',
        "a@x.example\r\nRCPT TO:<b@evil.example>",
        "Maya <a@x.example>",
        "@x.example:a@evil.example",
        "a@[127.0.0.1]",
        "maya",
        "=?utf-8?q?a?=@x.example",
    ],
)
def test_only_one_plain_address_is_a_recipient(recipient: str) -> None:
    with pytest.raises(UnsafeHeader):
        build("T <t@tidings.example>", recipient, _mail(f"{URL}/mail/off", one_click=True), "<1@t>", AT)


async def test_what_is_not_safe_is_refused_before_anybody_is_called() -> None:
    sender = MailSender(Secret("smtp://127.0.0.1:1"), "T <t@tidings.example>")
    answer = await sender.send("a@x.example, b@evil.example", _mail(f"{URL}/mail/off", one_click=True), "dlv_1", AT)
    assert isinstance(answer, Refused)
    assert answer.final
    assert "one plain address" in answer.reason


def _mail(link: str, *, one_click: bool) -> Mail:
    return Mail("Data is late", "text", "<p>text</p>", Choice("you chose to be told", link, one_click))
