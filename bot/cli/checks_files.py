"""Whether anybody else on this machine can read what Tidings keeps: books, grants, keys."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from bot.cli.checks import Finding, fail, look, ok
from storage.settings import Settings

_SUBJECT = "files"
#: group and everybody else
_OTHERS = 0o077
_EVERYBODY = 0o007
_DATABASE_PARTS = ("", "-wal", "-shm", "-journal", ".lock")


def about_files(settings: Settings, env_file: Path | None) -> Iterator[Finding]:
    """Check the modes of the variables' file, of the database and of the warehouse, where they are files."""
    found = [
        *_keys(env_file),
        *_database(settings.database_url),
        *_warehouse(settings.warehouse_url),
        *_exchange(settings.exchange_folder),
    ]
    yield from found or [ok(_SUBJECT, "only this user can read keys, database and warehouse")]


def _keys(env_file: Path | None) -> Iterator[Finding]:
    if env_file is not None and _is_open(env_file):
        yield _readable(env_file, "it holds the keys and secrets", "600")


def _database(url: str) -> Iterator[Finding]:
    if not url.startswith("sqlite:"):
        return
    file = Path(url.removeprefix("sqlite:///"))
    for part in _DATABASE_PARTS:
        one = file.with_name(file.name + part)
        if _is_open(one):
            yield _readable(one, "it holds people, sealed grants and the audit", "600")
    if _is_open(file.parent):
        yield look(_SUBJECT, f"other users can look into {file.parent}: chmod 700 {file.parent}")


def _warehouse(url: str) -> Iterator[Finding]:
    folder = Path(parse_qs(urlsplit(url).query).get("data", [""])[0] if "://" in url else url)
    if not _is_open(folder) or folder == Path():
        return
    # Each organization has a folder of its own in it; that one is what keeps others out.
    for one in sorted(folder.iterdir()):
        if one.is_dir() and _is_open(one):
            yield _readable(one, "it holds the organization's books", "700")


def _exchange(folder: str) -> Iterator[Finding]:
    if not folder:
        return
    path = Path(folder)
    if not path.is_dir():
        yield fail(_SUBJECT, f"EXCHANGE_FOLDER: there is no folder {path}: make it, and chmod 700 it")
    elif not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        yield fail(_SUBJECT, f"EXCHANGE_FOLDER: this user cannot write into {path}: give the folder to it")
    elif stat.S_IMODE(path.stat().st_mode) & _EVERYBODY:
        # A program that reads them may be of the same group.
        yield _readable(path, "it holds the files that are exchanged", "750")


def _is_open(path: Path) -> bool:
    try:
        return bool(stat.S_IMODE(path.stat().st_mode) & _OTHERS)
    except OSError:
        return False


def _readable(path: Path, what: str, mode: str) -> Finding:
    found = f"{stat.S_IMODE(path.stat().st_mode):o}"
    return fail(_SUBJECT, f"{path} has mode {found}, and {what}: chmod {mode} {path}")
