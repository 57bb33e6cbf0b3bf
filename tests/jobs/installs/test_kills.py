"""Killed where an installation is half done: SIGKILL in a process of its own, at every `install.` point of the code."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete
from sqlmodel import SQLModel

from jobs.build import build_jobs
from jobs.crashpoints import crash_point
from jobs.errors import FlowGoneError
from storage.facts.clock import OffsetClock
from storage.facts.installations import InstallKey
from storage.sessions import Database, open_database
from storage.settings import Settings
from storage.tables import InstallationRow, MemberRow
from tests.forks import die
from tests.jobs.installs.stage import BROWSER, HARBOUR, Stage, staged

ROOT = Path(__file__).parents[3]
POINTS = {"install.exchanged": "returned", "install.stored": "returned", "install.renewed": "renew"}
_FAR = timedelta(hours=13)


async def _step(plan: dict[str, Any]) -> None:
    settings = Settings.model_validate(plan["settings"])
    clock = OffsetClock()
    jobs = build_jobs(settings, open_database(settings.database_url), clock, checkpoint=crash_point)
    jobs.engine.bind(lambda _session, _work: None, lambda _work: None, lambda: True)
    if POINTS[plan["crash_at"]] == "returned":
        await jobs.services.installs.returned(plan["query"], BROWSER)
    else:
        clock.advance(_FAR)
        await jobs.tokens.token(HARBOUR)


def _plain(settings: Settings) -> dict[str, Any]:
    said = settings.model_dump(exclude_unset=True)
    opened = {
        name: value.get_secret_value() if hasattr(value, "get_secret_value") else value for name, value in said.items()
    }
    return opened | {"secret_keys": [key.get_secret_value() for key in settings.secret_keys]}


async def _die_at(stage: Stage, point: str) -> None:
    plan: dict[str, Any] = {"crash_at": point, "settings": _plain(stage.settings)}
    if POINTS[point] == "returned":
        plan["query"] = await stage.allowed(HARBOUR)
    assert await asyncio.to_thread(die, _step, plan) == -9, f"it did not die at {point}"
    if POINTS[point] == "returned":
        with pytest.raises(FlowGoneError):
            await stage.installs.returned(plan["query"], BROWSER)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("point", POINTS)
async def test_killed_at_every_point(sqlite_database: Database, tmp_path: Path, point: str) -> None:
    """Nothing is half: the answer is not taken twice, and installing again works, with one installation in the end."""
    async with staged(sqlite_database, tmp_path) as stage:
        stage.slack.oauth.rotation = True
        if point == "install.renewed":
            await stage.install(HARBOUR)
        await _die_at(stage, point)
        found = stage.installation("", HARBOUR)
        assert complaints(stage, {"install.exchanged": 0}.get(point, 1)) == []
        view = await stage.install(HARBOUR)
        assert view.again == (found is not None)
        assert await stage.posts(HARBOUR) == HARBOUR
        after = stage.installation("", HARBOUR)
        assert after is not None
        assert (after.key, after.refused_at) == (InstallKey("", HARBOUR), None)


def complaints(stage: Stage, version: int) -> list[str]:
    """Judge what the database says: stored whole or not at all, in that version of the tokens (0: none)."""
    found, workspace = stage.installation("", HARBOUR), stage.workspace(HARBOUR)
    wrong = [] if (found.version if found else 0) == version else [f"version {found.version if found else 0}"]
    if (found is None) != (workspace is None):
        wrong.append("half of an installation")
    if workspace is not None and stage.member(HARBOUR, "U0RUTH") is None:
        wrong.append("an organization without its admin")
    return wrong


async def test_half_an_installation_would_be_found(sqlite_database: Database, tmp_path: Path) -> None:
    """The twin of the one transaction: what stands when only a part of it was written."""
    async with staged(sqlite_database, tmp_path) as stage:
        await stage.install(HARBOUR)
        assert complaints(stage, 1) == []
        for table, wrong in (
            (MemberRow, "an organization without its admin"),
            (InstallationRow, "half of an installation"),
        ):
            _forget(sqlite_database, table)
            assert wrong in complaints(stage, 1)


def test_every_point_of_the_code_is_died_at() -> None:
    found = set()
    for file in (ROOT / "jobs").rglob("*.py"):
        found |= set(re.findall(r'checkpoint\("(install\.[a-z_]+)"\)', file.read_text()))
    assert found == POINTS.keys()


def _forget(database: Database, table: type[SQLModel]) -> None:
    database.in_write(lambda session: session.connection().execute(delete(table)))
