"""Connecting by a form: tried before it is taken, taken once, the key sealed; one bucket and prefix is one organization's."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.base import ProviderSettings
from connectors.grants import Granted, HintError, Pairs, Returned
from connectors.netsuite.grant import NetSuiteGrants, declared_of
from connectors.tokens import Tokens
from jobs.connecting.service import ConnectService
from jobs.errors import FlowGoneError, FlowRefusedError
from sandbox.providers.netsuite import Bucket, NetSuite
from sandbox.providers.serve import serve
from storage.credentials import Place, open_credentials
from storage.facts.clock import Clock
from storage.facts.flows import FlowState
from storage.facts.people import SlackIdentity
from storage.facts.secret import Secret
from storage.facts.sources import CollectMode, Provider
from storage.records import delivered
from storage.seal import Seal, new_key
from storage.sessions import Database
from tests.forks import die
from tests.jobs.connecting import life
from tests.jobs.connecting.stage import DANIEL, EVE, A, B, Stage, a_browser, everything, staged

NETSUITE = Provider.NETSUITE
SOAK = bool(os.environ.get("SOAK"))


@dataclass
class Filling:
    """A stage whose provider is a bucket."""

    stage: Stage
    bucket: Bucket
    url: str
    key: str

    def typed(self, **more: str) -> Pairs:
        """What a person types."""
        feeds = json.dumps([NetSuite(Path(), self.stage.clock).feed()])
        said = {"store": "s3", "company": "Temerity Goods", "bucket": "deliveries", "prefix": "temerity", "endpoint": self.url,
                "region": "", "key_id": self.bucket.key_id, "secret": self.bucket.secret, "feeds": feeds}  # fmt: skip
        return list({**said, **more}.items())

    async def connect(self, prefix: str, who: SlackIdentity = DANIEL) -> None:
        """Go the whole way."""
        browser = a_browser()
        link = await self.stage.proven(browser, who, NETSUITE)
        view = await self.stage.service.fill(link, browser, self.typed(prefix=prefix))
        await self.stage.service.confirm(browser, flow_id=view.id)


@asynccontextmanager
async def filling(database: Database, folder: Path, grants: NetSuiteGrants | None = None) -> AsyncIterator[Filling]:
    async with staged(database, folder) as plain:
        bucket = Bucket(plain.clock)
        bucket.put("temerity/gl/gl_20261121.csv", NetSuite(folder / "x", plain.clock).csv(), plain.clock.now())
        async with serve(bucket.app) as served:
            key = new_key()
            means = life.with_form(replace(plain.means, seal=Seal([Secret(key)])), served.url, grants)
            stage = replace(plain, service=ConnectService(means), means=means)
            yield Filling(stage, bucket, served.url, key)


async def test_a_form_is_tried_then_confirmed_then_sealed(sqlite_database: Database, tmp_path: Path) -> None:
    async with filling(sqlite_database, tmp_path) as made:
        stage, browser = made.stage, a_browser()
        link = await stage.link(provider=NETSUITE)
        with pytest.raises(FlowGoneError):
            await stage.service.fill(link, browser, made.typed())  # nobody has proven who sits there
        link = await stage.proven(browser, provider=NETSUITE)
        with pytest.raises(FlowGoneError):
            await stage.service.fill(link, a_browser(), made.typed())
        assert not made.bucket.asked
        assert [one.name for one in (await stage.service.look(link, browser)).form][:2] == ["store", "company"]
        for wrong, words in (
            ({"secret": "another"}, "refuses this key"), ({"endpoint": "http://169.254.169.254"}, "not set up here"),
            ({"bucket": ""}, "Name the bucket"), ({"feeds": "{"}, "not a list in JSON"), ({"feeds": "[{}]"}, "cannot be used"),
            ({"feeds": "[" * 2700}, "not a list in JSON"), ({"feeds": f'{"[" * 800}{"]" * 800}'}, "cannot be used|not a list in JSON"),
            ({"feeds": "[1e999]"}, "not a list in JSON"), ({"prefix": "../x"}, "no plain path"), ({"store": "folder"}, "Choose the kind"), ({"bucket": "nobodys"}, "does not answer"),
        ):  # fmt: skip
            with pytest.raises(HintError, match=words):
                await stage.service.fill(link, browser, made.typed(**wrong))
            assert stage.flow(link).state is FlowState.PROVEN
        assert stage.sources() == []
        with pytest.raises(FlowGoneError):
            await stage.service.try_form(link, a_browser(), made.typed())
        with pytest.raises(FlowGoneError):
            await stage.service.detect(link, a_browser(), made.typed(), 0, None)
        plain = [one for one in made.typed() if one[0] != "feeds"]
        found = await stage.service.detect(link, browser, plain, 0, None)  # from the file that lies there
        assert (found.typed["feed.0.pattern"], found.typed["feed.0.into"]) == ("gl_*.csv", "transaction_lines")
        typed = [*plain, *{**found.typed, "feed.0.pattern": "gl/*", "feed.0.key": "Line Unique Key"}.items()]
        answer = (await stage.service.try_form(link, browser, typed)).rows[0]
        assert answer.good, answer.lines
        with pytest.raises(HintError, match=r"Feed 1 \(gl\), Key columns"):
            await stage.service.try_form(link, browser, list({**dict(typed), "feed.0.key": ""}.items()))
        with pytest.raises(HintError, match="refuses this key"):
            await stage.service.detect(link, browser, list({**dict(plain), "secret": "another"}.items()), 0, None)
        view = await stage.service.fill(link, browser, made.typed())
        assert (view.state, view.company, view.account) == (
            FlowState.RETURNED,
            "Temerity Goods",
            "s3:deliveries/temerity",
        )
        connected = await stage.service.confirm(browser, flow_id=view.id)
        assert connected.source.label == "NetSuite via bucket"
        assert (connected.source.mode, connected.source.schedule_minutes) == (CollectMode.PUSH, 1440)
        row = stage.connection(connected.source.id)
        assert row.credentials is not None
        assert made.bucket.secret.encode() not in row.credentials
        held = open_credentials(stage.means.seal, Place(A, NETSUITE, "s3:deliveries/temerity", 1), row.credentials)
        assert json.loads(held.access.reveal())["secret"] == made.bucket.secret
        assert made.bucket.secret not in str([vars(entry) for entry in stage.entries()])
        with pytest.raises(FlowGoneError):
            await stage.service.fill(link, browser, made.typed())


async def test_reconnecting_renews_the_key_and_another_place_is_asked_about(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with filling(sqlite_database, tmp_path) as made:
        stage, browser = made.stage, a_browser()
        link = await stage.proven(browser, provider=NETSUITE)
        view = await stage.service.fill(link, browser, made.typed())
        source = (await stage.service.confirm(browser, flow_id=view.id)).source
        made.bucket.secret = "a-new-secret"
        again = a_browser()
        link = await stage.proven(again, provider=NETSUITE, source_id=source.id)
        view = await stage.service.fill(link, again, made.typed())
        assert not (await stage.service.confirm(again, flow_id=view.id)).newly
        assert stage.connection(source.id).version == 2
        third = a_browser()
        link = await stage.proven(third, provider=NETSUITE, source_id=source.id)
        view = await stage.service.fill(link, third, made.typed(prefix="other"))
        assert view.mismatch is not None
        assert view.mismatch.chosen_account == "s3:deliveries/other"


#: Prefixes that hold, are, or lie in "temerity".
MEETING = ("", "temerity", "temerity/gl")


async def test_files_are_read_by_one_source_of_one_organization(sqlite_database: Database, tmp_path: Path) -> None:
    """T55: whoever else names the same place, one around it or one in it, key and all, gets nothing, and is told so."""
    async with filling(sqlite_database, tmp_path) as made:
        stage, browser = made.stage, a_browser()
        await made.connect("temerity")
        for who, words, prefixes in (
            (EVE, "are read elsewhere", MEETING), (DANIEL, "Another source of your organization", ("", "temerity/gl")),
        ):  # fmt: skip
            link = await stage.proven(browser, who, NETSUITE)
            for prefix in prefixes:
                with pytest.raises(HintError, match=words):
                    await stage.service.fill(link, browser, made.typed(prefix=prefix))
                assert stage.flow(link).state is FlowState.PROVEN
        assert stage.sources(B) == []
        assert len(stage.sources(A)) == 1
        await made.connect("temerity2")
        assert [one.label for one in stage.sources(A)] == [
            "NetSuite via bucket",
            "NetSuite via bucket (deliveries/temerity2)",
        ]
        await made.connect("eve", EVE)


async def test_of_two_that_confirm_at_once_one_has_the_files(database: Database, tmp_path: Path) -> None:
    """Both forms were free when they were looked at."""
    async with filling(database, tmp_path) as made:
        stage = made.stage
        waiting = []
        for who, prefix in ((DANIEL, "temerity"), (EVE, "temerity/gl"), (DANIEL, "")):
            browser = a_browser()
            link = await stage.proven(browser, who, NETSUITE)
            view = await stage.service.fill(link, browser, made.typed(prefix=prefix))
            waiting.append((browser, view.id))
        ended = await asyncio.gather(
            *(stage.service.confirm(browser, flow_id=flow) for browser, flow in waiting), return_exceptions=True
        )
        refused = sorted(one.reason for one in ended if isinstance(one, FlowRefusedError))
        assert len(refused) == 2
        assert set(refused) <= {"place_taken", "place_elsewhere"}
        assert len(stage.sources(A)) + len(stage.sources(B)) == 1
        assert database.in_read(lambda session: delivered.overlaps(session, stage.means.seal)) == []


class StoppedError(RuntimeError):
    """The process ended here."""


async def _stopped(made: Filling, link: Secret, browser: Secret, point: str) -> None:
    def stops(name: str) -> None:
        if name == point:
            raise StoppedError

    service = made.stage.twin(ConnectService, checkpoint=stops).service
    with pytest.raises(StoppedError):
        await life.filled_and_confirmed(service, link, browser, made.typed())


async def _killed(made: Filling, link: Secret, browser: Secret, point: str, late: timedelta) -> None:
    """Fill and confirm in a process of its own, which ends as by `kill -9`."""
    place = {"url": made.stage.database.url, "folder": str(made.stage.outside.folder), "key": made.key}
    typed = {"browser": browser.reveal(), "arguments": [link.reveal(), made.typed()], "late": late.total_seconds()}
    kind = {"step": "fill", "crash_at": point, "bucket": made.url, "twin": "", "flow": "", "slack": None}
    plan = place | typed | kind
    assert await asyncio.to_thread(die, life.step, plan) == -9, f"it did not die at {point}"


#: Where the process itself is killed, in the quick run; what the others leave is the same as after an error there.
KILLED = {"flow.exchanged"}


@pytest.mark.timeout(900)
async def test_stopped_at_every_point_a_form_leaves_nothing_behind(sqlite_database: Database, tmp_path: Path) -> None:
    """What happens between the points is one transaction each: the person goes on, or starts again and is through."""
    async with filling(sqlite_database, tmp_path) as made:
        stage = made.stage
        late = timedelta(0)
        for point in ("flow.sent", "flow.claimed", "flow.exchanged", "flow.returned", "flow.confirming"):
            browser = a_browser()
            link = await stage.proven(browser, provider=NETSUITE)
            if SOAK or point in KILLED:
                await _killed(made, link, browser, point, late)
            else:
                await _stopped(made, link, browser, point)
            assert stage.sources() == []
            flow = stage.flow(link)
            if point in {"flow.returned", "flow.confirming"}:
                assert flow.state is FlowState.RETURNED
            elif point == "flow.sent":
                assert (await stage.service.fill(link, browser, made.typed())).state is FlowState.RETURNED
            else:
                with pytest.raises(FlowGoneError):
                    await stage.service.fill(link, browser, made.typed())
            # Nobody goes on: after its time no key is left, sealed or not, and nothing is connected.
            stage.clock.advance(timedelta(minutes=40))
            late += timedelta(minutes=40)
            await stage.service.sweep()
            assert stage.sealed(flow.id) is None
            # Unlike after a page of consent, nothing is left at NetSuite that a person should take back.
            assert stage.flow(link).reason == "expired"
            assert made.bucket.secret.encode() not in everything(stage.database)
        await made.connect("temerity")
        assert len(stage.sources()) == 1


class Believing(NetSuiteGrants):
    """The twin: keeps what was typed without looking."""

    async def tried(self, settings: ProviderSettings, query: Pairs, clock: Clock) -> None:
        declared_of(query)

    async def exchange(
        self, settings: ProviderSettings, returned: Returned, *, hint: str, redirect_uri: str, verifier: Secret | None,
        clock: Clock,
    ) -> Granted:  # fmt: skip
        return Granted(Tokens(returned.code), returned.account, "x", ())


async def test_the_twin_keeps_a_key_that_opens_nothing(sqlite_database: Database, tmp_path: Path) -> None:
    async with filling(sqlite_database, tmp_path, Believing()) as made:
        stage, browser = made.stage, a_browser()
        link = await stage.proven(browser, provider=NETSUITE)
        view = await stage.service.fill(link, browser, made.typed(secret="another"))
        assert view.state is FlowState.RETURNED
        assert not made.bucket.asked
