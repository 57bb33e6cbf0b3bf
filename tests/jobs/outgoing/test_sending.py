"""Webhooks to customers' own receivers: each arrives at least once under one id, signed, however often it takes."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from sqlmodel import select
from standardwebhooks import Webhook

from bot.cli.seed import modes
from connectors.outgoing.posting import Posted, Poster
from connectors.outgoing.signing import new_secret
from jobs.outgoing.sending import Sending
from jobs.outgoing.telling import ENDPOINT_STOPPED
from sandbox.world import SEED_FILE
from storage.bindings import of_endpoint
from storage.facts.clock import OffsetClock
from storage.facts.outgoing import ATTEMPTS, TOLD_OF, EventType, SendState
from storage.facts.secret import Secret
from storage.records import organizations, outgoing
from storage.seal import Seal, new_key
from storage.seed_file import load_seed
from storage.seeding import Seeding, write_seed
from storage.sessions import Database, Session
from storage.tables import DeliveryRow

SEAL = Seal([Secret(new_key())])
KEY = new_secret()
_TOKENS = ("TEMERITY_BOT_TOKEN", "SUPPORT_BOT_TOKEN", "QUICKBOOKS_REFRESH_TOKEN", "SHOPIFY_ACCESS_TOKEN",
           "SHOPIFY_REFRESH_TOKEN")  # fmt: skip


class Receiver:
    """A customer's program: answers as it is told, and keeps what came."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.came: list[tuple[Mapping[str, str], bytes]] = []
        self.address = ""

    async def take(self, request: web.Request) -> web.Response:
        self.came.append((dict(request.headers), await request.read()))
        return web.Response(status=self.answers.pop(0) if self.answers else 204)

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator["Receiver"]:
        app = web.Application()
        app.router.add_post("/in", self.take)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.address = f"http://127.0.0.1:{runner.addresses[0][1]}/in"
        try:
            yield self
        finally:
            await runner.cleanup()


@dataclass
class Ground:
    """An organization with one receiver, and the sending."""

    database: Database
    clock: OffsetClock
    sending: Sending
    organization: str
    enqueued: list[Any] = field(default_factory=list)

    def told(self, number: int = 1, type_: EventType = EventType.SOURCE_READY) -> int:
        return self.database.in_write(
            lambda session: outgoing.tell(
                session, self.organization, type_, f"run_{number}", {"n": number}, self.clock.now()
            )
        )

    async def swept(self) -> None:
        await self.sending.sweep()
        for task in list(self.sending._busy.values()):
            await task

    def newest(self):
        return self.database.in_read(lambda session: outgoing.newest(session, "hook_1"))

    def endpoint(self):
        found = self.database.in_read(lambda session: outgoing.endpoint(session, self.organization, "hook_1"))
        assert found is not None
        return found


def ground(database: Database, address: str, poster=None, sending=Sending) -> Ground:
    clock = OffsetClock()

    def write(session: Session) -> str:
        now = clock.now()
        seed = load_seed(SEED_FILE, dict.fromkeys(_TOKENS, "a token of a test"))
        organization = write_seed(session, seed, Seeding(SEAL, now, modes())).organization_id
        priya, *_ = organizations.admins(session, organization)
        organizations.set_email(session, priya.id, "priya@temerity.example", confirmed_at=now, refused_at=None)
        sealed = SEAL.close(KEY.reveal(), *of_endpoint("hook_1"))
        outgoing.add_endpoint(session, "hook_1", organization, address, TOLD_OF, sealed, priya.id, now)
        return organization

    organization = database.in_write(write)
    enqueued: list[Any] = []
    made = sending(
        database, clock, SEAL, poster or Poster(here=True, seconds=5), lambda _, work: enqueued.append(work),
        may_act=lambda: True,
    )  # fmt: skip
    return Ground(database, clock, made, organization, enqueued)


async def test_a_message_arrives_signed_and_is_told_once(database: Database) -> None:
    async with Receiver().listening() as receiver:
        here = ground(database, receiver.address)
        assert (here.told(), here.told()) == (1, 0)
        await here.swept()
        await here.swept()
    ((headers, body),) = receiver.came
    assert json.loads(body)["type"] == "source.ready"
    named = {name.lower(): value for name, value in headers.items()}
    assert Webhook(KEY.reveal()).verify(body, named)["data"] == {"n": 1}
    (sent,) = here.newest()
    assert (sent.state, sent.attempts, sent.answer, named["webhook-id"]) == (SendState.SENT, 1, "204", sent.message_id)


async def test_eight_attempts_in_28_hours_under_one_id(sqlite_database: Database) -> None:
    async with Receiver(*[503] * 20).listening() as receiver:
        here = ground(sqlite_database, receiver.address)
        here.told()
        began, at = here.clock.now(), []
        while (send := here.newest()[0]).state is SendState.PENDING:
            if send.due_at and send.due_at > here.clock.now():
                here.clock.advance(send.due_at - here.clock.now())
            at.append(here.clock.now() - began)
            await here.swept()
    assert len(receiver.came) == ATTEMPTS == len(at)
    assert len({dict(headers)["webhook-id"] for headers, _ in receiver.came}) == 1
    assert timedelta(hours=27) < at[-1] < timedelta(hours=28)
    assert (send.state, send.answer) == (SendState.FAILED, "503")
    assert here.endpoint().failing_since is not None


async def test_what_asks_for_time_is_given_it_and_success_forgets_the_failures(sqlite_database: Database) -> None:
    async with Receiver(500).listening() as receiver:
        here = ground(sqlite_database, receiver.address)
        here.told()
        await here.swept()
        assert here.endpoint().failing_since is not None
        here.clock.advance(timedelta(seconds=6))
        await here.swept()
    assert len(receiver.came) == 2
    assert (here.newest()[0].state, here.endpoint().failing_since) == (SendState.SENT, None)


@pytest.mark.parametrize("how", ["gone", "five days", "cannot be opened"])
async def test_a_dead_receiver_is_stopped_and_every_admin_is_told(sqlite_database: Database, how: str) -> None:
    async with Receiver(*([410] if how == "gone" else [500] * 50)).listening() as receiver:
        here = ground(sqlite_database, receiver.address)
        if how == "cannot be opened":
            foreign = SEAL.close(KEY.reveal(), *of_endpoint("hook_2"))
            sqlite_database.in_write(
                lambda session: outgoing.change_secret(session, "hook_1", foreign, here.clock.now())
            )
        here.told()
        await here.swept()
        if how == "five days":
            here.clock.advance(timedelta(days=5, minutes=1))
            await here.swept()
        came = len(receiver.came)
        here.told(2)
        await here.swept()
    assert here.endpoint().stopped_at is not None
    assert len(receiver.came) == came == {"gone": 1, "five days": 2, "cannot be opened": 0}[how]
    with sqlite_database.read() as session:
        told = session.exec(select(DeliveryRow).where(DeliveryRow.kind == ENDPOINT_STOPPED)).all()
    assert sorted(one.channel for one in told) == ["email", "slack"]
    assert len(here.enqueued) == 2


async def test_a_slow_receiver_holds_up_no_other(sqlite_database: Database) -> None:
    async with Receiver().listening() as quick:
        here = ground(sqlite_database, "http://127.0.0.1:9/slow", poster=SlowFor("/slow", Poster(here=True)))
        sealed = SEAL.close(KEY.reveal(), *of_endpoint("hook_2"))
        sqlite_database.in_write(
            lambda session: outgoing.add_endpoint(
                session, "hook_2", here.organization, quick.address, TOLD_OF, sealed, "mem_priya", here.clock.now()
            )
        )
        assert here.told() == 2
        await here.sending.sweep()
        await here.sending._busy["hook_2"]
        assert len(quick.came) == 1
        await here.sending.close()


class SlowFor:
    """Never comes back from one address."""

    def __init__(self, ending: str, other: Poster) -> None:
        self._ending, self._other = ending, other

    async def post(self, address: str, body: bytes, headers: Mapping[str, str]) -> Posted:
        if address.endswith(self._ending):
            import asyncio

            await asyncio.Event().wait()
        return await self._other.post(address, body, headers)


class DiedError(BaseException):
    """The process is gone."""


def _dies(name: str):
    def checkpoint(reached: str) -> None:
        if reached == name:
            raise DiedError

    return checkpoint


class NotesFirst(Sending):
    """A twin that notes the message as sent before it is."""

    def _claimed(self, session: Session, endpoint_id: str):
        found = super()._claimed(session, endpoint_id)
        if found:
            outgoing.accepted(session, found[0].id, endpoint_id, "204", self._clock.now())
        return found


@pytest.mark.parametrize("kind, arrives", [(Sending, True), (NotesFirst, False)])
@pytest.mark.parametrize("where", ["outgoing.claimed", "outgoing.posted"])
async def test_whoever_dies_with_a_message_leaves_it_to_the_others(
    sqlite_database: Database, where: str, kind: type[Sending], *, arrives: bool
) -> None:
    async with Receiver().listening() as receiver:
        here = ground(sqlite_database, receiver.address, sending=kind)
        here.told()
        here.sending._checkpoint = _dies(where)
        with pytest.raises(DiedError):
            await here.sending._one("hook_1")
        survivor = kind(
            sqlite_database, here.clock, SEAL, Poster(here=True, seconds=5), lambda *_: None, may_act=lambda: True
        )
        here.sending = survivor
        await here.swept()
        before = len(receiver.came)
        here.clock.advance(timedelta(seconds=61))
        await here.swept()
    posted_before = where == "outgoing.posted"
    assert before == posted_before
    assert (len(receiver.came) > before) == arrives
    assert len({dict(headers)["webhook-id"] for headers, _ in receiver.came}) <= 1


async def test_two_workers_send_each_message_once(database: Database) -> None:
    async with Receiver().listening() as receiver:
        here = ground(database, receiver.address)
        other = Sending(database, here.clock, SEAL, Poster(here=True, seconds=5), lambda *_: None, may_act=lambda: True)
        for number in range(12):
            here.told(number)
        await here.sending.sweep()
        await other.sweep()
        for task in [*here.sending._busy.values(), *other._busy.values()]:
            await task
        await here.swept()
    ids = [dict(headers)["webhook-id"] for headers, _ in receiver.came]
    assert len(ids) == len(set(ids)) == 12


async def test_a_replay_sends_again_what_happened_since(sqlite_database: Database) -> None:
    async with Receiver().listening() as receiver:
        here = ground(sqlite_database, receiver.address)
        here.told(1)
        here.clock.advance(timedelta(hours=30))
        here.told(2)
        await here.swept()
        since = here.clock.now() - timedelta(hours=24)
        count = sqlite_database.in_write(lambda session: outgoing.replay(session, "hook_1", since, here.clock.now()))
        await here.swept()
        assert count == 1
        assert [json.loads(body)["data"]["n"] for _, body in receiver.came] == [1, 2, 2]
        here.clock.advance(timedelta(days=36))
        await here.sending.tidy()
    assert here.newest() == []
