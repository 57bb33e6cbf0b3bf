"""A stored Slack token that does not open is said in plain words, is kept, and stops nobody else's."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from sqlmodel import update

from connectors.errors import Broken
from jobs.deliver.results import Refused
from jobs.installs.tokens import UNREADABLE, InstallTokens
from storage.credentials import BotGrant, open_installation, seal_bot_token, seal_installation
from storage.facts.installations import Installation, InstallKey
from storage.facts.people import SlackIdentity
from storage.facts.secret import Secret
from storage.records import installations
from storage.seal import Seal, SealError, new_key
from storage.sessions import Database
from storage.tables import InstallationRow, WorkspaceRow
from tests.jobs.installs.stage import HARBOUR, NORTHWIND, Stage, staged
from tests.jobs.installs.test_rotation import tokens_of

KEY = InstallKey("", HARBOUR)


def _put(stage: Stage, text: bytes) -> None:
    statement = update(InstallationRow).where(InstallationRow.team_id == HARBOUR).values(tokens=text)  # type: ignore[arg-type]  # a column, as SQLModel says
    stage.database.in_write(lambda session: session.connection().execute(statement))
    stage.jobs.tokens.forget(HARBOUR)


def _texts(stage: Stage) -> dict[str, bytes]:
    """Return what may stand there instead, and what is wrong with it."""
    seal, found = stage.installs._means.seal, stage.installation("", HARBOUR)
    assert found is not None
    grant = BotGrant(Secret("xoxb-another"))
    return {
        "not in SECRET_KEYS: add it again": seal_installation(Seal([Secret(new_key())]), KEY, found.version, grant),
        "does not belong to this row": seal_installation(seal, InstallKey("", "T0OTHER"), found.version, grant),
        "damaged": (found.tokens or b"")[:9],
    }


async def test_it_is_said_once_a_minute_and_nothing_is_overwritten(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        await stage.install(HARBOUR)
        before = stage.installation("", HARBOUR)
        assert before is not None
        for words, text in _texts(stage).items():
            _put(stage, text)
            with structlog.testing.capture_logs() as logs:
                for _ in range(3):
                    with pytest.raises(
                        Broken, match="the stored Slack token of this workspace cannot be opened"
                    ) as caught:
                        await stage.jobs.tokens.token(HARBOUR)
                posted = await stage.jobs.sender.post(HARBOUR, "C0HARBOUR", {"text": "x"}, "dlv_1")
                assert await stage.jobs.sender.profile(SlackIdentity(HARBOUR, "U0RUTH")) is None
                assert not await stage.installs.look(HARBOUR)
            assert words in caught.value.detail
            assert posted == Refused(UNREADABLE, final=False, after=60.0, set_up=True)
            told = [entry for entry in logs if entry["event"] == UNREADABLE]
            assert [(one["log_level"], one["installation"]) for one in told] == [
                ("error", HARBOUR)
            ] * 2  # and by the look
            assert all(words in one["reason"] and "exc_info" not in one for one in told)
            found = stage.installation("", HARBOUR)
            assert found is not None
            assert (found.tokens, found.removed_at) == (text, None)
        _put(stage, before.tokens or b"")
        assert await stage.posts(HARBOUR) == HARBOUR


async def test_so_is_a_token_of_a_seed(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        await stage.install(HARBOUR)
        text = seal_bot_token(stage.installs._means.seal, "T0ELSEWHERE", Secret("xoxb-1"))
        row = WorkspaceRow(team_id="T0SEEDED", organization_id=stage.owner(HARBOUR), bot_token=text, name="Seeded")
        stage.database.in_write(lambda session: session.add(row))
        with pytest.raises(Broken, match="does not belong to this row"):
            await stage.jobs.tokens.token("T0SEEDED")


class Crashing(InstallTokens):
    """The twin lets the error of the seal through."""

    def _opened(self, found: Installation, tokens: bytes) -> BotGrant:
        return open_installation(self._seal, found.key, found.version, tokens)


@pytest.mark.parametrize("kind, goes_on", [(InstallTokens, True), (Crashing, False)])
async def test_the_renewals_of_others_go_on(
    sqlite_database: Database, tmp_path: Path, kind: Callable[..., InstallTokens], *, goes_on: bool
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        stage.slack.oauth.rotation = True
        await stage.install(HARBOUR)
        await stage.install(NORTHWIND)
        first, second = stage.database.in_read(installations.active)
        moved = InstallationRow(
            enterprise_id="", team_id="T0A", app_id="A", bot_user_id="U", scopes="", version=1,
            installed_by="U", installed_at=stage.clock.now(), expires_at=first.expires_at, tokens=first.tokens,
        )  # fmt: skip
        stage.database.in_write(lambda session: session.add(moved))
        order = [one.key.team_id or one.key.enterprise_id for one in stage.database.in_read(installations.active)]
        assert len(order) == 3
        stage.clock.advance(timedelta(hours=11))
        tokens = tokens_of(stage, kind)  # type: ignore[arg-type]  # one of two classes
        if goes_on:
            await tokens.sweep()
        else:
            with pytest.raises(SealError):
                await tokens.sweep()
        renewed = [one.version for one in stage.database.in_read(installations.active) if one.key.team_id != "T0A"]
        assert (renewed == [first.version + 1, second.version + 1]) is goes_on
