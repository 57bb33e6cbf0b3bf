"""A prepared ground for commands: settings in a file of their own, a migrated and seeded database."""

import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from bot.cli.app import app
from storage.seal import new_key
from storage.settings import Settings
from tests.storage.test_seed_file import ENVIRONMENT, EXAMPLE


@dataclass
class Shell:
    """Runs commands with the variables of one file and nothing else."""

    folder: Path
    variables: dict[str, str]

    @property
    def env_file(self) -> Path:
        path = self.folder / "variables"
        path.touch(mode=0o600)
        path.write_text("".join(f"{name}={value}\n" for name, value in self.variables.items()))
        return path

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run a command and return all it printed; the exit code must be as given."""
        takes_file = (
            arguments[0] in {"migrate", "seed", "serve", "doctor", "status", "refresh", "access"}
            or "rotate" in arguments
            or "receipts" in arguments
            or "escalations" in arguments
        )
        options = ["--env-file", str(self.env_file)] if takes_file else []
        result = CliRunner().invoke(app, [*arguments, *options])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert result.exit_code == code, result.output
        return result.output


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """An empty folder and a complete set of variables."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return Shell(
        tmp_path,
        {
            "SLACK_BOT_TOKEN": "xoxb-for-a-test",
            "SLACK_SIGNING_SECRET": "0123456789abcdef",
            "SECRET_KEYS": new_key(),
            "QUICKBOOKS_CLIENT_ID": "quickbooks-app",
            "SHOPIFY_CLIENT_ID": "shopify-app",
            "DATABASE_URL": f"sqlite:///{tmp_path / 'tidings.db'}",
            "WAREHOUSE_URL": str(tmp_path / "warehouse"),
        },
    )


@pytest.fixture
def migrated(shell: Shell, sqlite_template: Path) -> Shell:
    """The same, with a database as `tidings migrate` makes it; that one has a test of its own."""
    path = shell.folder / "tidings.db"
    path.touch(mode=0o600)
    shutil.copyfile(sqlite_template, path)
    return shell


@pytest.fixture
def seeded(migrated: Shell) -> Shell:
    """The same, with the example's organization."""
    migrated.run("seed", str(EXAMPLE))
    return migrated


@pytest.fixture
def logs_restored() -> Iterator[None]:
    """Put logging back after something configured it for a whole process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in list(root.manager.loggerDict)}
    yield
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
