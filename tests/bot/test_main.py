"""The composition root: what cannot work is refused with words, what works starts and stops."""

from pathlib import Path

import pytest

from bot.main import build_app
from sandbox.slack.wire import serving
from storage.lock import AlreadyLockedError, FileLock
from storage.seal import new_key
from storage.sessions import Database, DatabaseUnavailableError, open_database
from storage.settings import Settings


def settings_for(url: str, folder: Path, **changes: object) -> Settings:
    values: dict[str, object] = {
        "database_url": url,
        "warehouse_url": str(folder / "warehouse"),
        "secret_keys": [new_key()],
        "slack_bot_token": "xoxb-none",
        "slack_signing_secret": "sandbox-signing-secret",
        "slack_api_url": "http://127.0.0.1:1/api/",
    }
    return Settings.model_validate(values | changes)


def test_a_database_that_is_not_migrated_is_refused_with_what_to_do(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/empty.db"
    with pytest.raises(DatabaseUnavailableError, match="tidings migrate"):
        build_app(settings_for(url, tmp_path))
    open_database(url).close()


async def test_it_starts_is_ready_and_stops(sqlite_database: Database, tmp_path: Path) -> None:
    app = build_app(settings_for(sqlite_database.url, tmp_path))
    assert not await app.ready()
    async with app.running(), serving(app.asgi) as port:
        assert await app.ready()
        assert port
    assert not await app.ready()


async def test_a_second_engine_on_the_same_file_is_refused(sqlite_database: Database, tmp_path: Path) -> None:
    """Whoever holds the lock; that it holds against another process is tried in tests/storage/test_lock.py."""
    other = FileLock(Path(f"{sqlite_database.url.removeprefix('sqlite:///')}.lock"))
    other.take()
    with pytest.raises(AlreadyLockedError, match="already works"):
        async with build_app(settings_for(sqlite_database.url, tmp_path)).running():
            pass
    other.release()
    async with build_app(settings_for(sqlite_database.url, tmp_path)).running() as app:
        assert await app.ready()
