"""Tokens that rotate: renewed by one at a time, saved before they are used, never lost to an outage."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from connectors.errors import ConnectorError, Reconnect, Retry
from connectors.slack_install import BotAccess
from connectors.slack_signin import SlackApp
from jobs.installs.tokens import AHEAD, NOW, InstallTokens
from sandbox.slack.lies import Lie
from storage.credentials import BotGrant, open_installation, seal_installation
from storage.facts.installations import Installation, InstallKey
from storage.facts.secret import Secret
from storage.records import installations
from storage.rotation import reseal
from storage.seal import Seal, SealError, new_key
from storage.sessions import Database
from tests.jobs.installs.stage import HARBOUR, Stage, staged
from tests.waiting import eventually

KEY = InstallKey("", HARBOUR)
PROCESSES = 8


@asynccontextmanager
async def rotating(database: Database, folder: Path) -> AsyncIterator[Stage]:
    async with staged(database, folder) as stage:
        stage.slack.oauth.rotation = True
        await stage.install(HARBOUR)
        yield stage


def tokens_of(stage: Stage, kind: type[InstallTokens] = InstallTokens, **more: object) -> InstallTokens:
    """Return what another process would have."""
    means = stage.installs._means
    return kind(means.database, means.clock, means.seal, means.app, **more)  # type: ignore[arg-type]


def stored(stage: Stage) -> Installation:
    found = stage.installation("", HARBOUR)
    assert found is not None
    return found


def opened(stage: Stage) -> BotGrant:
    found = stored(stage)
    return open_installation(stage.installs._means.seal, KEY, found.version, found.tokens or b"")


async def test_the_sweep_renews_two_hours_ahead_and_not_earlier(database: Database, tmp_path: Path) -> None:
    async with rotating(database, tmp_path) as stage:
        first = opened(stage)
        stage.clock.advance(timedelta(hours=10) - timedelta(minutes=1))
        await stage.installs.sweep()
        assert (stage.witnessed("renewed"), stored(stage).version) == (0, 1)
        stage.clock.advance(timedelta(minutes=2))
        await stage.installs.sweep()
        assert (stage.witnessed("renewed"), stored(stage).version) == (1, 2)
        assert opened(stage).access != first.access
        assert opened(stage).refresh != first.refresh
        stage.clock.advance(timedelta(hours=3))
        assert await stage.posts(HARBOUR) == HARBOUR


async def test_a_token_that_is_about_to_end_is_renewed_before_it_is_used(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with rotating(sqlite_database, tmp_path) as stage:
        assert await stage.posts(HARBOUR) == HARBOUR
        for _ in range(3):
            stage.clock.advance(timedelta(hours=12))
            assert await stage.posts(HARBOUR) == HARBOUR
        assert stage.witnessed("renewed") == 3


async def test_a_token_is_never_handed_out_of_memory_beyond_its_end(sqlite_database: Database, tmp_path: Path) -> None:
    async with rotating(sqlite_database, tmp_path) as stage:
        stage.clock.advance(timedelta(hours=12) - NOW - timedelta(seconds=30))
        first = await stage.jobs.tokens.token(HARBOUR)
        stage.clock.advance(timedelta(seconds=31))
        assert await stage.jobs.tokens.token(HARBOUR) != first


class Alone(InstallTokens):
    """A twin that takes no lease: it thinks it is the only process."""

    #: of each of the processes that have read
    read: ClassVar[list[int]] = []

    async def _renew(self, key: InstallKey, ahead: timedelta) -> Installation:
        found = await self._found(key)
        grant = open_installation(self._seal, key, found.version, found.tokens or b"")
        from connectors.slack_install import renewed

        assert grant.refresh is not None
        # All have read before any has asked.
        self.read.append(id(self))
        await eventually(lambda: len(self.read) >= PROCESSES)
        fresh = await renewed(self._app, grant.refresh)
        await self._save(found, fresh)
        return await self._found(key)


@pytest.mark.parametrize("kind, whole", [(InstallTokens, True), (Alone, False)])
async def test_of_eight_processes_one_renews_and_all_have_its_token(
    database: Database, tmp_path: Path, kind: type[InstallTokens], *, whole: bool
) -> None:
    async with rotating(database, tmp_path) as stage:
        stage.clock.advance(timedelta(hours=12))
        Alone.read.clear()
        processes = [tokens_of(stage, kind) for _ in range(PROCESSES)]
        found = await asyncio.gather(*(each.renew(KEY, AHEAD) for each in processes), return_exceptions=True)
        failed = [each for each in found if isinstance(each, BaseException)]
        assert (failed == []) is whole
        if whole:
            assert stage.witnessed("renewed") == 1
            assert {each.version for each in found if isinstance(each, Installation)} == {2}
            assert await stage.posts(HARBOUR) == HARBOUR


async def test_the_same_process_asks_once_however_many_wait(sqlite_database: Database, tmp_path: Path) -> None:
    async with rotating(sqlite_database, tmp_path) as stage:
        stage.clock.advance(timedelta(hours=12))
        assert len(set(await asyncio.gather(*(stage.jobs.tokens.token(HARBOUR) for _ in range(20))))) == 1
        assert stage.witnessed("renewed") == 1


class UsesFirst(InstallTokens):
    """A twin that hands the new token out before it is committed."""

    async def _save(self, before: Installation, fresh: BotAccess) -> None:
        self._checkpoint("used")
        await super()._save(before, fresh)


@pytest.mark.parametrize("kind, saved", [(InstallTokens, True), (UsesFirst, False)])
async def test_the_new_token_is_committed_before_its_first_use(
    sqlite_database: Database, tmp_path: Path, kind: type[InstallTokens], *, saved: bool
) -> None:
    async with rotating(sqlite_database, tmp_path) as stage:
        stage.clock.advance(timedelta(hours=12))
        seen: list[int] = []
        note: Callable[[str], None] = lambda name: seen.append(stored(stage).version) if name == "used" else None  # noqa: E731
        tokens = tokens_of(stage, kind, checkpoint=note)
        usable = await tokens.usable(stored(stage))
        assert usable is not None
        note("used")
        assert seen[0] == (2 if saved else 1)


async def test_who_stops_waiting_loses_no_token(sqlite_database: Database, tmp_path: Path) -> None:
    async with rotating(sqlite_database, tmp_path) as stage:
        stage.clock.advance(timedelta(hours=12))
        stage.slack.core.lies.add(slow := Lie("oauth.v2.access", "latency", seconds=1.0))
        tokens = tokens_of(stage)
        waiting = asyncio.create_task(tokens.renew(KEY, AHEAD))
        await eventually(lambda: slow.times == 0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        again = await tokens.renew(KEY, AHEAD)
        assert (again.version, stage.witnessed("renewed")) == (2, 1)


class Blind(InstallTokens):
    """A twin that saves whatever the row says now."""

    async def _save(self, before: Installation, fresh: BotAccess) -> None:
        await super()._save(await self._found(before.key), fresh)


@pytest.mark.parametrize("kind, keeps", [(InstallTokens, True), (Blind, False)])
async def test_a_slow_renewal_does_not_overwrite_a_new_installation(
    sqlite_database: Database, tmp_path: Path, kind: type[InstallTokens], *, keeps: bool
) -> None:
    async with rotating(sqlite_database, tmp_path) as stage:
        old = stored(stage)
        await stage.install(HARBOUR)
        newest = opened(stage)
        await tokens_of(stage, kind)._save(old, BotAccess(Secret("xoxe.xoxb-1-late"), Secret("xoxe-1-late"), 43200))
        assert (opened(stage).access == newest.access) is keeps


async def test_a_used_up_refresh_token_is_a_refusal_and_nothing_is_erased(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with rotating(sqlite_database, tmp_path) as stage:
        stage.slack.oauth.refreshes.clear()
        before = opened(stage)
        stage.clock.advance(timedelta(hours=11))
        await stage.installs.sweep()
        assert stored(stage).refused_at is not None
        assert opened(stage) == before
        with pytest.raises(Reconnect):
            await tokens_of(stage).renew(KEY, AHEAD)
        # Not asked again every minute.
        calls = len(stage.slack.calls)
        await stage.installs.sweep()
        assert len(stage.slack.calls) == calls
        # The token itself still works until its own end, and installing again cures it.
        assert await stage.posts(HARBOUR) == HARBOUR
        await stage.install(HARBOUR)
        assert stored(stage).refused_at is None
        assert await stage.posts(HARBOUR) == HARBOUR


class BelievesOutages(InstallTokens):
    """A twin for which everything that is no answer is a refusal."""

    async def _renew(self, key: InstallKey, ahead: timedelta) -> Installation:
        try:
            return await super()._renew(key, ahead)
        except Retry:
            return await self._second_look(await self._found(key))


@pytest.mark.parametrize("kind, waits", [(InstallTokens, True), (BelievesOutages, False)])
async def test_an_outage_is_no_refusal(
    sqlite_database: Database, tmp_path: Path, kind: type[InstallTokens], *, waits: bool
) -> None:
    async with rotating(sqlite_database, tmp_path) as stage:
        stage.clock.advance(timedelta(hours=11))
        stage.slack.lie(kind="server_error", method="oauth.v2.access", times=1)
        with pytest.raises(ConnectorError):
            await tokens_of(stage, kind).renew(KEY, AHEAD)
        assert (stored(stage).refused_at is None) is waits
        assert (await tokens_of(stage).renew(KEY, AHEAD)).version == 2


async def test_slack_that_is_away_when_the_token_has_ended_is_no_crash(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with rotating(sqlite_database, tmp_path) as stage:
        stage.clock.advance(timedelta(hours=13))
        stage.slack.lie(kind="server_error", method="oauth.v2.access", times=1)
        assert await stage.posts(HARBOUR) == "token_expired"
        stage.jobs.tokens.forget(HARBOUR)
        assert await stage.posts(HARBOUR) == HARBOUR


async def test_sealed_tokens_open_only_at_their_own_place_and_version(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with rotating(sqlite_database, tmp_path) as stage:
        found, seal = stored(stage), stage.installs._means.seal
        for key, version in (
            (InstallKey("", "T0OTHER"), found.version),
            (InstallKey("E0NORTHWIND", HARBOUR), found.version),
            (KEY, found.version + 1),
        ):
            with pytest.raises(SealError):
                open_installation(seal, key, version, found.tokens or b"")


async def test_keys_rotate_under_installations(database: Database, tmp_path: Path) -> None:
    async with rotating(database, tmp_path) as stage:
        old = [Secret(key.get_secret_value()) for key in stage.settings.secret_keys]
        seal = Seal([Secret(new_key()), *old])
        before = opened(stage)
        assert reseal(database, seal).sealed == 1
        found = stored(stage)
        assert seal.is_current(found.tokens or b"")
        assert open_installation(seal, KEY, found.version, found.tokens or b"") == before
        assert reseal(database, seal).sealed == 0


async def test_malformed_answers_change_nothing(sqlite_database: Database, tmp_path: Path) -> None:
    """Whatever is no whole answer leaves what is stored; read by the real client over a real socket."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from sandbox.slack.wire import serving

    good = '"access_token": "xoxe.xoxb-1-a", "refresh_token": "xoxe-1-b", "expires_in": 43200, "token_type": "bot"'
    bodies = [
        "", "null", "[]", "<html>", '{"ok": true}', f'{{"ok": "true", {good}}}', f'{{"ok": false, {good}}}',
        f'{{"ok": true, {good}, "access_token": "xoxb-2"}}', '{"ok": true, "access_token": 5}',
        f'{{"ok": true, {good.replace("43200", "true")}}}', f'{{"ok": true, {good.replace("43200", "-1")}}}',
        f'{{"ok": true, {good.replace("xoxe-1-b", "")}}}', f'{{"ok": true, {good.replace("xoxe.xoxb-1-a", "a b")}}}',
        f'{{"ok": true, {good.replace("bot", "user")}}}', '{"ok": true, "access_token": "xoxb-1"}',
    ]  # fmt: skip
    said = [""]

    async def answer(_: Request) -> Response:
        return Response(said[0], media_type="application/json")

    async with (
        rotating(sqlite_database, tmp_path) as stage,
        serving(Starlette(routes=[Route("/api/oauth.v2.access", answer, methods=["POST"])])) as port,
    ):
        stage.clock.advance(timedelta(hours=11))
        before = stored(stage)
        means = stage.installs._means
        app = SlackApp("id", Secret("secret"), f"http://127.0.0.1:{port}/api/")
        tokens = InstallTokens(means.database, means.clock, means.seal, app)
        for body in bodies:
            said[0] = body
            with pytest.raises(ConnectorError):
                await tokens.renew(KEY, AHEAD)
            assert replace(stored(stage), refused_at=None) == before, body
        said[0] = f'{{"ok": true, {good}}}'
        assert (await tokens.renew(KEY, AHEAD)).version == 2


def test_an_older_copy_put_back_does_not_open() -> None:
    seal = Seal([Secret(new_key())])
    sealed = seal_installation(seal, KEY, 3, BotGrant(Secret("xoxb-1")))
    assert open_installation(seal, KEY, 3, sealed).access == Secret("xoxb-1")
    with pytest.raises(SealError):
        open_installation(seal, KEY, 4, sealed)


async def test_a_removed_installation_is_not_renewed(sqlite_database: Database, tmp_path: Path) -> None:
    async with rotating(sqlite_database, tmp_path) as stage:
        found = stored(stage)
        now = stage.clock.now()
        assert sqlite_database.in_write(lambda session: installations.removed(session, found, now))
        assert not sqlite_database.in_write(
            lambda session: installations.renewed(session, found, found.tokens or b"", None)
        )
        assert await stage.jobs.services.installs._means.tokens.usable(stored(stage)) is None
