"""The doctor against the stand-ins: all well, and each thing that can be wrong."""

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from bot.cli.checks_slack import clock_words
from sandbox.world import Plan, SandboxThread, sandbox_in_thread
from storage.seal import new_key
from tests.bot.cli.conftest import Shell
from tests.storage.test_seed_file import EXAMPLE


@pytest.fixture(scope="module")
def outside() -> Iterator[SandboxThread]:
    with sandbox_in_thread(Plan(size=5, rates=False)) as found:
        yield found


@pytest.fixture
def connected(migrated: Shell, outside: SandboxThread, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A seeded database whose variables point at the stand-ins."""
    shell = migrated
    shell.variables |= outside.sandbox.environment()
    for name, value in outside.sandbox.credentials().items():
        monkeypatch.setenv(name, value)
    shell.run("seed", str(EXAMPLE))
    yield shell
    outside.sandbox.slack.stop_lying()
    outside.sandbox.mail.stop_lying()


def marks(output: str) -> dict[str, set[str]]:
    """Return the marks of each subject."""
    found: dict[str, set[str]] = {}
    for line in output.splitlines():
        mark, _, rest = line.partition(" ")
        found.setdefault(rest.strip().split(":")[0], set()).add(mark)
    return found


def test_all_is_well(connected: Shell) -> None:
    found = marks(connected.run("doctor"))
    for subject in ("database", "keys", "organization", "warehouse", "files", "mail headers", "slack", "mail"):
        assert found[subject] == {"ok"}, subject


def test_nothing_is_changed_by_looking(connected: Shell, outside: SandboxThread) -> None:
    before = (len(outside.sandbox.mail.messages), len(outside.sandbox.slack.journal.entries))
    connected.run("doctor")
    assert (len(outside.sandbox.mail.messages), len(outside.sandbox.slack.journal.entries)) == before


def test_a_database_that_is_not_there_is_told_and_not_made(shell: Shell) -> None:
    output = shell.run("doctor", "--offline", code=1)
    assert "run `tidings migrate`" in output
    assert not (shell.folder / "tidings.db").exists()


def test_a_token_that_slack_refuses_is_told_without_showing_it(connected: Shell) -> None:
    connected.variables["SLACK_BOT_TOKEN"] = "xoxb-not-a-real-one"
    output = connected.run("doctor", code=1)
    assert "SLACK_BOT_TOKEN: Slack says invalid_auth" in output
    assert "xoxb-not-a-real-one" not in output


def test_slack_that_does_not_answer_is_told(connected: Shell) -> None:
    connected.variables["SLACK_API_URL"] = "http://127.0.0.1:9/api/"
    assert "does not answer" in connected.run("doctor", code=1)


def test_a_mail_server_that_is_not_there_is_told(connected: Shell) -> None:
    connected.variables["SMTP_URL"] = "smtp://127.0.0.1:9"
    assert marks(connected.run("doctor", code=1))["mail"] == {"fail"}


def test_no_mail_server_is_something_to_look_at(connected: Shell) -> None:
    connected.variables["SMTP_URL"] = ""
    assert marks(connected.run("doctor"))["mail"] == {"look"}


def test_a_provider_without_its_keys_is_told(connected: Shell) -> None:
    connected.variables["QUICKBOOKS_CLIENT_ID"] = ""
    assert "QUICKBOOKS_CLIENT_ID is empty" in connected.run("doctor", "--offline", code=1)


def test_a_lost_key_is_told(connected: Shell) -> None:
    connected.variables["SECRET_KEYS"] = new_key()
    assert marks(connected.run("doctor", "--offline", code=1))["keys"] == {"fail"}


def test_a_slack_token_that_does_not_open_is_told_in_plain_words(connected: Shell) -> None:
    """Which workspace it is, and why, without a stack trace."""
    with contextlib.closing(sqlite3.connect(connected.folder / "tidings.db")) as database:
        teams = database.execute("SELECT bot_token FROM workspaces WHERE team_id = 'T0SUPPORT'").fetchone()
        database.execute("UPDATE workspaces SET bot_token = ? WHERE team_id = 'T0TEMERITY'", teams)
        database.commit()
    output = connected.run("doctor", code=1)
    told = "workspace T0TEMERITY: the stored Slack token of this workspace cannot be opened: the sealed text does not belong"
    assert told in output
    assert "Traceback" not in output
    assert marks(output)["keys"] == {"fail"}


def test_a_key_that_is_none_is_told_without_showing_it(connected: Shell) -> None:
    connected.variables["SECRET_KEYS"] = "c2hvcnQ="
    output = connected.run("doctor", code=1)
    assert "key 1 is not 32 bytes" in output
    assert "c2hvcnQ=" not in output


@pytest.mark.parametrize("name", ["tidings.db", "variables", "warehouse/org_1"])
def test_what_others_can_read_is_told(seeded: Shell, name: str) -> None:
    """Each with the command that closes it, which then helps."""
    assert seeded.env_file
    (seeded.folder / "warehouse" / "org_1").mkdir(parents=True, mode=0o700)
    assert marks(seeded.run("doctor", "--offline"))["files"] == {"ok"}
    path = seeded.folder / name
    path.chmod(0o755 if path.is_dir() else 0o644)
    output = seeded.run("doctor", "--offline", code=1)
    assert marks(output)["files"] == {"fail"}
    for mode, told in re.findall(r"chmod (\d+) (\S+)$", output, re.MULTILINE):
        # The files beside a database come and go with its connections.
        with contextlib.suppress(FileNotFoundError):
            Path(told).chmod(int(mode, 8))
    assert marks(seeded.run("doctor", "--offline"))["files"] == {"ok"}


@pytest.mark.parametrize("url", ["s3://bucket/lake", "postgresql://lake.example/catalog"])
def test_a_warehouse_address_that_no_refresh_could_use_is_told(seeded: Shell, url: str) -> None:
    seeded.variables["WAREHOUSE_URL"] = url
    assert "fail" in marks(seeded.run("doctor", "--offline", code=1))["warehouse"]


def test_an_open_folder_around_a_closed_database_is_worth_a_look(seeded: Shell) -> None:
    seeded.folder.chmod(0o755)
    assert marks(seeded.run("doctor", "--offline"))["files"] == {"look"}


def lines(output: str, subject: str) -> list[str]:
    return [line for line in output.splitlines() if f" {subject}: " in line]


def test_each_source_and_each_channel_is_asked_through_the_real_path(connected: Shell) -> None:
    output = connected.run("doctor")
    assert marks(output)["source"] == {"ok"}
    assert marks(output)["channel"] == {"ok"}
    assert any("Temerity" in line and "answers" in line for line in lines(output, "source"))
    assert any("#finance" in line for line in lines(output, "channel"))


def test_a_provider_that_is_away_is_told(connected: Shell) -> None:
    connected.run("doctor")
    connected.variables["SHOPIFY_API_URL"] = "http://127.0.0.1:9"
    assert "look again later" in "\n".join(lines(connected.run("doctor"), "source"))


def test_a_channel_that_is_shared_or_left_is_told(connected: Shell, outside: SandboxThread) -> None:
    channel = outside.sandbox.slack.world.channels["C0FINANCE"]
    channel.shared_with = frozenset({"T0OUTSIDE"})
    try:
        assert any("shared with another company" in line for line in lines(connected.run("doctor"), "channel"))
        channel.shared_with = frozenset()
        channel.people.discard("U0TIDINGS")
        output = connected.run("doctor", code=1)
        assert any("/invite @Tidings" in line for line in lines(output, "channel"))
    finally:
        channel.shared_with = frozenset()
        channel.people.add("U0TIDINGS")


def test_a_support_channel_that_nobody_can_see_is_told(connected: Shell) -> None:
    connected.variables["SUPPORT_CHANNEL"] = "T0SUPPORT/C0NOWHERE"
    output = connected.run("doctor", code=1)
    assert any("SUPPORT_CHANNEL" in line and "channel_not_found" in line for line in lines(output, "channel"))
    connected.variables["SUPPORT_CHANNEL"] = "T0NOBODY/C0DATASUP"
    assert any("not installed in T0NOBODY" in line for line in lines(connected.run("doctor", code=1), "channel"))


def test_a_missing_scope_is_told_with_what_it_costs(connected: Shell, outside: SandboxThread) -> None:
    """T22."""
    app = outside.sandbox.slack.app.installations["T0TEMERITY"]
    whole, app.scopes = app.scopes, app.scopes - {"users:read.email"}
    try:
        output = connected.run("doctor")
        assert marks(output)["slack"] == {"ok", "look"}
        assert "missing scopes users:read.email, so this does not work: confirmations by e-mail" in output
    finally:
        app.scopes = whole


def test_a_workspace_that_removed_tidings_is_told(connected: Shell) -> None:
    from storage.facts.clock import SystemClock
    from storage.records import workspaces
    from storage.sessions import open_database

    database = open_database(connected.variables["DATABASE_URL"])
    database.in_write(lambda session: workspaces.close(session, "T0TEMERITY", SystemClock().now()))
    database.close()
    output = connected.run("doctor")
    assert "Tidings was removed: install it again at" in output
    assert "/slack/install" in output


def test_the_manifest_is_printed_without_any_setting(shell: Shell) -> None:
    shell.variables.clear()
    output = shell.run("manifest", "https://data.company.example")
    assert "https://data.company.example/slack/events" in output
    assert "tidings.example" not in output
    assert "socket_mode_enabled: false" in output
    assert "socket_mode_enabled: true" in shell.run("manifest", "https://data.company.example", "--socket-mode")
    for wrong in ("http://data.company.example", "data.company.example", "https://", "https://a b"):
        assert "https" in shell.run("manifest", wrong, code=1)


@pytest.mark.parametrize(
    "minutes, words",
    [
        (61, "61 min ahead of Slack's, so that"),
        (5, "5 min ahead of Slack's, so that"),
        # The guard takes five minutes in this direction, and one in the other.
        (2, "2 min ahead of Slack's, from 5 min on"),
        (-1, "1 min behind Slack's, so that"),
        (0, ""),
        (None, ""),
    ],
)
def test_a_clock_that_is_wrong_is_told(minutes: int | None, words: str) -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    said = "no date" if minutes is None else format_datetime(now - timedelta(minutes=minutes), usegmt=True)
    told = clock_words(said, now)
    assert words in told
    assert bool(told) is bool(words)
