"""Follow-ups through the whole surface: known after a restart and in every process, and never more than is needed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.asking.facts import Asked, Intent, Span
from bot.asking.keeping import packed, unpacked
from bot.asking.reading import Before
from bot.front import Front
from bot.interaction import Interaction, Kind
from bot.reply import NOTHING
from jobs.desk import Desk
from jobs.errors import UnavailableError
from jobs.talk import TalkService
from storage.facts.clock import SystemClock
from storage.facts.messages import Message
from storage.facts.people import Actor, Role, SlackIdentity
from storage.facts.sources import Provider
from storage.facts.talk import Conversation
from storage.records import members
from storage.sessions import Database, open_database
from tests.bot.twins.services import TwinServices
from tests.bot.twins.showing import TwinTalk
from tests.jobs.incidents.troubled import Company

DANIEL = SlackIdentity("T0TEMERITY", "U0DANIEL")


def said(sentence: str, at: int, *, kind: Kind = Kind.DIRECT, thread: str | None = None) -> Interaction:
    channel = "D0DANIEL" if kind is Kind.DIRECT else "C0FINANCE"
    trigger = f"said:{channel}:1790000000.{at:06}"
    return Interaction(kind, DANIEL, "T0TEMERITY", channel, trigger, words=sentence, thread_ts=thread)


async def answered(front: Front, request: Interaction) -> Message:
    """Return the last words, after everything that follows them has ended, as the surface does it."""
    reply, told = await front.answer(request), None
    told = reply.message
    while reply.then:
        reply = await front.follow(reply, request)
        told = reply.message or told
    assert told is not None
    return told


class Process:
    """One process: memory and connections of its own over the one database."""

    def __init__(self, database: Database) -> None:
        self.database = open_database(database.url)
        self.desk = Desk(database.url)
        self.services = TwinServices()
        self.services.talk = TalkService(self.desk, self.database, SystemClock())  # type: ignore[assignment]  # the real one
        self.front = Front(self.services)

    def end(self) -> None:
        self.desk.close()
        self.database.close()


class Forgetful(Process):
    """The broken twin: what was asked is known to the process that was asked, and to no other."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.services.talk = TwinTalk()
        self.front = Front(self.services)


@pytest.mark.parametrize("kind", [Process, Forgetful])
async def test_a_follow_up_is_understood_after_a_restart_and_by_another_process(
    sqlite_database: Database, kind: type[Process]
) -> None:
    Company(sqlite_database).founded("temerity", Provider.SHOPIFY)
    sqlite_database.in_write(lambda s: members.admit(s, "org_temerity", DANIEL, "Daniel", "UTC", Role.REFRESHER))
    first, other = kind(sqlite_database), kind(sqlite_database)
    try:
        await answered(first.front, said("when was shopify last refreshed?", 1))
        by_other = await answered(other.front, said("and the books?", 2))
        await answered(other.front, said("<@U0TIDINGS> how long does shopify take?", 3, kind=Kind.MENTION))
        # A thread under the mention; the process that answered it has ended meanwhile.
        other.end()
        other = kind(sqlite_database)
        under = said("<@U0TIDINGS> and the books?", 4, kind=Kind.MENTION, thread="1790000000.000003")
        in_thread = await answered(other.front, under)
        elsewhere = await answered(
            first.front, replace(under, trigger="said:C0FINANCE:1790000000.000005", thread_ts=None)
        )
    finally:
        first.end()
        other.end()
    known = kind is Process
    assert by_other.summary.startswith("What would you like to know about QuickBooks") is not known
    assert by_other.summary.startswith("QuickBooks") is known
    assert (in_thread.kind == "not_understood") is not known
    assert elsewhere.kind == "not_understood"


class Slow(TwinTalk):
    """A database that writes nothing, in time or at all."""

    async def last(self, actor: Actor, where: Conversation) -> str | None:
        raise UnavailableError("busy")

    async def keep(self, actor: Actor, where: Conversation, asked: str | None) -> None:
        raise UnavailableError("busy")


async def test_the_answer_waits_for_no_write_and_none_that_fails_is_heard_of() -> None:
    services = TwinServices()
    services.talk = Slow()
    front = Front(services)
    first = said("when was shopify last refreshed?", 1)
    reply = await front.answer(first)
    assert reply.message is not None
    # The next one comes before anything is written: this process has not forgotten.
    again = await front.answer(said("and the books?", 2))
    assert again.message is not None
    assert "QuickBooks" in again.message.summary
    assert await front.follow(reply, first) == NOTHING
    assert await front.follow(again, first) == NOTHING
    lost = await front.answer(said("and the books?", 3))
    assert lost.message is not None
    assert lost.message.kind == "not_understood"


async def test_a_thread_under_an_answer_goes_on_with_the_question() -> None:
    front = Front(TwinServices())
    await answered(front, said("when was shopify last refreshed?", 1))
    under = await answered(front, said("and the books?", 2, thread="1790000000.000009"))
    assert under.summary.startswith("QuickBooks")
    # In a channel a thread is other people's place, too: nothing outside of it is taken up.
    await answered(front, said("when was shopify last refreshed?", 3, kind=Kind.MENTION))
    other = await answered(front, said("and the books?", 4, kind=Kind.MENTION, thread="1790000000.000009"))
    assert other.kind == "not_understood"


async def test_of_two_writes_that_overtake_each_other_the_last_question_stays() -> None:
    services = TwinServices()
    front = Front(services)
    requests = [said("how long does shopify take?", 1), said("when was the books last refreshed?", 2)]
    replies = [await front.answer(request) for request in requests]
    for reply, request in list(zip(replies, requests, strict=True))[::-1]:
        await front.follow(reply, request)
    (kept,) = services.talk.kept.values()
    found = unpacked(kept)
    assert found is not None
    assert found.asked.intent is Intent.WHEN_LAST


AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
WHOLE = Asked(
    Intent.LANDED, source_ids=("a", "b"), span=Span("at 9", at=AT), document="INV-1", amount="9.00", words="did it?"
)


def _same(before: Before) -> Before | None:
    return unpacked(packed(before))


def _forgets_the_no(before: Before) -> Before | None:
    found = _same(before)
    return replace(found, declined=False) if found else None


@pytest.mark.parametrize("read", [_same, _forgets_the_no])
def test_what_is_kept_is_what_was_named_and_not_the_words(read: Callable[[Before], Before | None]) -> None:
    everything = Asked(
        Intent.WHO_STARTED, everything=True, except_ids=("c",), person="Maya", span=Span("since 9", start=AT)
    )
    for asked in (WHOLE, everything):
        before = Before(asked, declined=True)
        assert (read(before) == replace(before, asked=replace(asked, words=""))) is (read is _same)
    assert "did it?" not in str(packed(Before(WHOLE)))


def test_what_is_too_long_or_of_another_version_is_not_taken_up() -> None:
    assert packed(Before(replace(WHOLE, source_ids=tuple(f"src_{at:030}" for at in range(200))))) is None
    for text in ("", "[]", "{}", '{"intent":"sing"}', '{"intent":"status","span":{}}', '{"intent":"status","span":7}'):
        assert unpacked(text) is None, text
