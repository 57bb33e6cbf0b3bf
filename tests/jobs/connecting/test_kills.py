"""T43: killed at every named point of a flow; it goes on in the next process, or says "start again"; never half."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jobs.connecting.service import ConnectService
from jobs.errors import FlowGoneError
from storage.facts.flows import FlowState
from storage.facts.secret import Secret
from storage.facts.sources import ConnectionState
from storage.records import runs
from storage.seal import Seal, new_key
from storage.sessions import Database
from storage.tables import FlowRow
from tests.forks import die
from tests.jobs.connecting import life
from tests.jobs.connecting.openid import Slack, slack_at
from tests.jobs.connecting.stage import DANIEL, SHOP, Stage, a_browser, staged

ROOT = Path(__file__).parents[3]
ACCOUNT = "a.myshopify.com"
#: point -> the step in which it is passed
POINTS = {
    "flow.code_sent": "send_code",
    "flow.proven": "prove_code",
    "flow.signin_sent": "sign_in",
    "flow.signin_claimed": "signed_in",
    "flow.signin_exchanged": "signed_in",
    "flow.sent": "go",
    "flow.claimed": "returned",
    "flow.exchanged": "returned",
    "flow.returned": "returned",
    "flow.confirming": "confirm",
    "flow.confirmed": "confirm",
    "flow.given_up": "give_up",
    "flow.revoke_claimed": "give_up",
    "flow.revoke_renewed": "give_up",
    "flow.revoked": "give_up",
    "flow.grant_erased": "give_up",
    "flow.expired": "sweep",
}
#: Passed where nothing can be half: the link's transaction is over, and nobody has the link.
HARMLESS = {"flow.linked"}
#: Stopped at in test_renewing.py: each is between two whole transactions.
RENEWING = {"flow.renewal_begun", "flow.renewal_claimed", "flow.renewal_proven"}


@dataclass
class Walk:
    """A person on the way, whose next step may happen in a process that dies."""

    stage: Stage
    key: str
    slack: Slack
    browser: Secret = field(default_factory=a_browser)
    link: Secret = field(default_factory=lambda: Secret(""))
    query: list[tuple[str, str]] = field(default_factory=list)
    flow_id: str = ""

    async def up_to(self, step: str) -> list[Any]:
        """Go as far as that step, and return its arguments."""
        service = self.stage.service
        self.link = await self.stage.link()
        self.flow_id = self.stage.flow(self.link).id
        if step in {"send_code", "sign_in"}:
            return [self.link.reveal()]
        if step == "signed_in":
            return [self.slack.consent(await service.sign_in(self.link, self.browser), DANIEL)]
        await service.send_code(self.link, self.browser)
        if step == "prove_code":
            return [self.link.reveal(), self.stage.code(self.link)]
        await service.prove_code(self.link, self.browser, self.stage.code(self.link))
        if step == "go":
            return [self.link.reveal()]
        self.query = self.stage.outside.consent(await service.go(self.link, self.browser), ACCOUNT, "A")
        if step == "returned":
            return [self.query]
        await service.returned(SHOP, self.query, self.browser)
        if step == "sweep":
            self.stage.change(self._age)
            return []
        return [self.flow_id]

    def _age(self, session: Any) -> None:
        session.get_one(FlowRow, self.flow_id).expires_at = self.stage.clock.now() - timedelta(seconds=1)

    async def die_at(self, point: str, step: str, *, twin: str = "") -> None:
        """Take the step in a process that is killed at the point."""
        arguments = await self.up_to(step)
        plan = {
            "url": self.stage.database.url,
            "folder": str(self.stage.outside.folder),
            "key": self.key,
            "crash_at": point,
            "twin": twin,
            "step": step,
            "browser": self.browser.reveal(),
            "arguments": arguments,
            "flow": self.flow_id,
            "slack": (self.slack.app.api_url, self.slack.app.client_id) if step.startswith("sign") else None,
        }
        assert await asyncio.to_thread(die, life.step, plan) == -9, f"it did not die at {point}"

    async def go_on(self) -> None:
        """Do what the person can do next: the same page again, or all of it from the start."""
        service, browser = self.stage.service, self.browser
        flow = self.stage.found(self.flow_id)
        if flow.state is FlowState.LINKED:
            await service.send_code(self.link, browser)
            await service.prove_code(self.link, browser, self.stage.code(self.link))
            flow = self.stage.found(self.flow_id)
        if flow.state is FlowState.PROVEN:
            self.query = self.stage.outside.consent(await service.go(self.link, browser), ACCOUNT, "A")
            flow = self.stage.found(self.flow_id)
        if flow.state is FlowState.SENT:
            query = self.query or self.stage.outside.consent(await service.go(self.link, browser), ACCOUNT, "A")
            await service.returned(SHOP, query, browser)
        await service.confirm(browser, flow_id=self.flow_id)


def complaints(stage: Stage, flow_id: str) -> list[str]:
    """Judge what the database says: each flow is whole, and so is each source."""
    found, flow = [], stage.found(flow_id)
    sealed = stage.sealed(flow_id) is not None
    if sealed != (flow.state is FlowState.RETURNED or flow.revoke_due_at is not None):
        found.append(f"{flow.state} with a grant: {sealed}")
    sources = stage.sources()
    if (flow.state is FlowState.DONE) != bool(sources):
        found.append(f"{flow.state} with {len(sources)} sources")
    for source in sources:
        run = stage.database.in_read(partial(runs.active_of, source_ids=[source.id]))
        row = stage.connection(source.id)
        if not run or row.credentials is None or row.state != ConnectionState.CONNECTED:
            found.append("a source without a whole connection and its first run")
        if stage.trail().count("connect") != 1:
            found.append("a source that the audit does not know")
    return found


@asynccontextmanager
async def walking(database: Database, folder: Path) -> AsyncIterator[Walk]:
    key = new_key()
    async with slack_at() as slack, staged(database, folder, slack=slack.app) as plain:
        stage = plain.twin(ConnectService, seal=Seal([Secret(key)]))
        yield Walk(stage, key, slack)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("point, step", POINTS.items())
async def test_killed_at_every_point(sqlite_database: Database, tmp_path: Path, point: str, step: str) -> None:
    await _killed(sqlite_database, tmp_path, point, step)


@pytest.mark.timeout(900)
@pytest.mark.postgres
@pytest.mark.parametrize("point", ["flow.exchanged", "flow.confirming", "flow.revoke_claimed"])
async def test_killed_on_postgres(postgres_database: Database, tmp_path: Path, point: str) -> None:
    await _killed(postgres_database, tmp_path, point, POINTS[point])


async def _killed(database: Database, tmp_path: Path, point: str, step: str) -> None:
    async with walking(database, tmp_path) as walk:
        stage = walk.stage
        await walk.die_at(point, step)
        assert complaints(stage, walk.flow_id) == []
        try:
            await walk.go_on()
        except FlowGoneError:
            # "Start again": nothing of the first try is left after its time, and the second one works.
            stage.clock.advance(timedelta(minutes=40))
            await stage.service.sweep()
            assert stage.sealed(walk.flow_id) is None
            if point in {"flow.claimed", "flow.exchanged"}:
                # What may be left at the provider is said, since nobody here can take it back.
                lost = stage.found(walk.flow_id)
                assert (lost.state, lost.reason) == (FlowState.FAILED, "answer_lost")
                assert "take Tidings out of it at Shopify" in str(lost.said)
            assert stage.sources() == []
            assert await stage.connected(ACCOUNT)
        assert [source.account for source in stage.sources()] == [ACCOUNT]
        if walk.stage.found(walk.flow_id).state is FlowState.DONE:
            assert complaints(stage, walk.flow_id) == []


@pytest.mark.timeout(900)
async def test_a_yes_in_two_parts_would_be_found(sqlite_database: Database, tmp_path: Path) -> None:
    """The broken twin of the one transaction."""
    async with walking(sqlite_database, tmp_path) as walk:
        await walk.die_at("flow.confirming", "confirm", twin="ends first")
        assert complaints(walk.stage, walk.flow_id) == ["done with 0 sources"]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("twin", ["", "claims late"])
async def test_an_answer_is_never_exchanged_twice(sqlite_database: Database, tmp_path: Path, twin: str) -> None:
    """Killed right after the exchange: the same answer again is "start again", and the provider hears of it once."""
    async with walking(sqlite_database, tmp_path) as walk:
        await walk.die_at("flow.exchanged", "returned", twin=twin)
        fresh = walk.stage.outside.consent(
            f"https://p.example/?state={dict(walk.query)['state']}&{_REDIRECT}", "b", "B"
        )
        if twin:
            assert (await walk.stage.service.returned(SHOP, fresh, walk.browser)).state is FlowState.FAILED
            assert walk.stage.found(walk.flow_id).reason == "invalid_grant"
            return
        with pytest.raises(FlowGoneError):
            await walk.stage.service.returned(SHOP, fresh, walk.browser)
        assert walk.stage.outside.granted == [ACCOUNT]


_REDIRECT = "redirect_uri=https://tidings.example/connect/shopify/callback"


def test_every_point_of_the_code_is_died_at() -> None:
    found = set()
    for file in (ROOT / "jobs" / "connecting").glob("*.py"):
        found |= set(re.findall(r'checkpoint\("(flow\.[a-z_]+)"\)', file.read_text()))
    assert found == POINTS.keys() | HARMLESS | RENEWING
