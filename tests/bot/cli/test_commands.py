"""The commands as an operator types them."""

import json
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from bot.cli.app import app
from storage.facts.secret import Secret
from storage.records import refreshes, seeds, sources
from storage.rotation import check_keys
from storage.seal import Seal, SealError, new_key
from storage.seeding import organization_id
from storage.sessions import open_database
from tests.bot.cli.conftest import Shell
from tests.storage.records.test_receipts import write_receipts
from tests.storage.test_seed_file import ENVIRONMENT, EXAMPLE

HEAVY = {
    "duckdb",
    "dbos",
    "slack_bolt",
    "slack_sdk",
    "sqlalchemy",
    "pyarrow",
    "uvicorn",
    "httpx",
    "cryptography",
    "jinja2",
}


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, bot.cli.app; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(ran.stdout.split())


@pytest.mark.parametrize("command", [command.name or command.callback.__name__ for command in app.registered_commands])  # type: ignore[union-attr]
def test_every_command_explains_itself(shell: Shell, command: str) -> None:
    assert "Usage" in shell_help(command)


def shell_help(command: str) -> str:
    from typer.testing import CliRunner

    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    return result.output


def test_a_missing_configuration_is_a_readable_list_and_no_traceback(shell: Shell) -> None:
    shell.variables = {"ROLE": "everything"}
    for command in (["migrate"], ["doctor"], ["status"], ["seed", str(EXAMPLE)], ["serve"]):
        output = shell.run(*command, code=1)
        assert "SLACK_BOT_TOKEN" in output or "ROLE" in output
        assert "Traceback" not in output


def test_without_a_database_every_command_says_migrate(shell: Shell) -> None:
    for command in (["status"], ["seed", str(EXAMPLE)], ["refresh", "temerity-goods"], ["keys", "rotate"]):
        assert "run `tidings migrate`" in shell.run(*command, code=1)
    assert not (shell.folder / "tidings.db").exists()


def test_a_database_that_does_not_answer_is_told_without_its_password(shell: Shell) -> None:
    shell.variables["DATABASE_URL"] = "postgresql://someone:very-secret@127.0.0.1:9/nothing"
    for command in (["migrate"], ["status"], ["seed", str(EXAMPLE)], ["doctor", "--offline"]):
        output = shell.run(*command, code=1)
        assert "127.0.0.1" in output
        assert "very-secret" not in output


def test_a_taken_port_is_told(shell: Shell, logs_restored: None) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"port {port} is taken" in shell.run("demo", "--no-open", "--port", port, code=1)


def test_migrate_again_is_harmless(shell: Shell) -> None:
    assert "newest shape" in shell.run("migrate")
    assert "newest shape" in shell.run("migrate")


def test_seed_tells_what_it_did_and_again_does_nothing(seeded: Shell) -> None:
    output = seeded.run("seed", str(EXAMPLE))
    assert "everything was there already" in output
    assert "kept the stored grant of quickbooks_9341450000000001" in output
    assert not any(secret in output for secret in ENVIRONMENT.values())


def test_seed_shows_every_mistake_and_writes_nothing(shell: Shell) -> None:
    shell.run("migrate")
    broken = shell.folder / "broken.yaml"
    broken.write_text(EXAMPLE.read_text().replace("role: admin", "role: boss").replace("format: 1 ", "format: 7 "))
    output = shell.run("seed", str(broken), code=1)
    assert output.count("line ") == 2
    assert "no organization yet" in shell.run("status")
    assert "cannot be read" in shell.run("seed", str(shell.folder / "missing.yaml"), code=1)


def test_seed_check_needs_no_database(shell: Shell) -> None:
    assert "is in order" in shell.run("seed", str(EXAMPLE), "--check")
    assert not (shell.folder / "tidings.db").exists()


def test_status_shows_every_source(seeded: Shell) -> None:
    output = seeded.run("status")
    for words in ("Temerity Goods", "connected", "no data yet", "0 workers running: start `tidings serve`"):
        assert words in output
    assert "no single organization" in seeded.run("status", "nobody", code=1)
    assert "Temerity Goods" in seeded.run("status", "temerity-goods")


def test_receipts_are_checked_in_the_database_and_in_a_file_that_needs_none(seeded: Shell) -> None:
    assert "Temerity Goods: no receipts yet" in seeded.run("receipts", "verify")
    database = open_database(seeded.variables["DATABASE_URL"])
    database.in_write(lambda session: write_receipts(session, organization_id("temerity-goods"), 3))
    told = seeded.run("receipts", "verify")
    assert "Temerity Goods: 3 receipts, each as it was written" in told
    exported = seeded.folder / "receipts.jsonl"
    exported.write_text(seeded.run("receipts", "export", "temerity-goods"))
    seeded.variables["DATABASE_URL"] = "sqlite:////nowhere/at/all.db"
    assert "3 receipts, each as it was written" in seeded.run("receipts", "verify", str(exported))
    exported.write_text(exported.read_text().replace('\\"f1\\"', '\\"f7\\"'))
    assert "NOT as written: receipt 2 of 3" in seeded.run("receipts", "verify", str(exported), code=1)
    exported.write_text('{"id": 1}\n')
    assert "line 1: not a receipt" in seeded.run("receipts", "verify", str(exported), code=1)


def test_refresh_starts_runs_in_the_name_of_a_member(seeded: Shell) -> None:
    output = seeded.run("refresh", "temerity-goods", "shopify", "--as", "U0MAYA")
    assert "started rfr_" in output
    assert "temeritygoods.myshopify.com" in output
    assert "quickbooks" not in output
    assert "joined rfr_" in seeded.run("refresh", "temerity-goods", "shopify")
    refresh_id = next(word for word in output.replace(":", " ").split() if word.startswith("rfr_"))
    database = open_database(seeded.variables["DATABASE_URL"])
    with database.read() as session:
        people = [person.user_id for person in refreshes.people_of(session, refresh_id)]
        assert people == ["U0MAYA", "U0DANIEL"]
        assert len(refreshes.runs_of(session, refresh_id)) == 1
    database.close()


def test_a_policy_is_shown_set_and_checked(seeded: Shell) -> None:
    def run(*steps: str, code: int = 0) -> str:
        return seeded.run("escalations", "policy", "temerity-goods", *steps, code=code)

    assert "Temerity Goods: after 3 h: the support channel" in run()
    told = run("2h:support", "150m:email", "5h:T0TEMERITY/C0FINANCE=#finance")
    assert "after 2 h: the support channel" in told
    assert "after 2 h 30 min: support by e-mail" in told
    assert "after 5 h: #finance" in told
    assert "is no step" in run("soon:support", code=1)
    assert "in the order" in run("3h:support", "2h:email", code=1)
    assert "15 minutes" in run("5m:support", code=1)
    assert "calls support" in run("3h:T0TEMERITY/C0FINANCE=#finance", code=1)
    assert run() == told
    assert "after 3 h: support by e-mail" in run("--default")


def test_calls_that_were_not_made_are_named(seeded: Shell) -> None:
    assert "was made" in seeded.run("escalations", "audit")
    refresh_id = seeded.run("refresh", "temerity-goods", "shopify").replace(":", " ").split()[1]
    database = open_database(seeded.variables["DATABASE_URL"])
    with database.write() as session:
        row = refreshes.row(session, refresh_id)
        row.requested_at -= timedelta(hours=4)
        session.add(row)
    told = seeded.run("escalations", "audit", "--days", "2", code=1)
    assert f"Temerity Goods, {refresh_id}: NOT made: step 1 (support), due" in told
    database.close()


def test_refresh_refuses_strangers_viewers_and_unknown_sources(seeded: Shell) -> None:
    assert "no such member" in seeded.run("refresh", "temerity-goods", "all", "--as", "U0SAM", code=1)
    assert "nothing was started" in seeded.run("refresh", "temerity-goods", "all", "--as", "U0PRIYA", code=1)
    assert "has no source 'amazon'" in seeded.run("refresh", "temerity-goods", "amazon", code=1)


def test_access_is_shown_given_and_needed(seeded: Shell) -> None:
    assert "every organization may start refreshes" in seeded.run("access")
    seeded.variables |= {"REFRESH_ACCESS": "by_request", "SUPPORT_CHANNEL": "T0SUPPORT/C0DATASUP"}
    assert "nothing was started: Temerity Goods has no access" in seeded.run("refresh", "temerity-goods", code=1)
    assert seeded.run("access").strip() == "Temerity Goods: no access"
    assert seeded.run("access", "temerity-goods", "--give").strip().endswith("Temerity Goods: access")
    assert "say which organization" in seeded.run("access", "--give", code=1)
    assert "either" in seeded.run("access", "temerity-goods", "--give", "--take", code=1)


def test_a_new_key_seals(shell: Shell) -> None:
    key = shell.run("keys", "new").strip()
    assert Seal([Secret(key)]).open(Seal([Secret(key)]).close("x"), *()) == "x"
    assert key != shell.run("keys", "new").strip()


def test_keys_rotate_makes_the_old_key_superfluous(seeded: Shell) -> None:
    old = seeded.variables["SECRET_KEYS"]
    seeded.variables["SECRET_KEYS"] = new_key()
    assert "older key" in seeded.run("doctor", "--offline", code=1)
    assert "not in SECRET_KEYS" in seeded.run("keys", "rotate", code=1)
    seeded.variables["SECRET_KEYS"] += f",{old}"
    assert "run `tidings keys rotate`" in seeded.run("doctor", "--offline")
    assert "4 sealed anew" in seeded.run("keys", "rotate")
    seeded.variables["SECRET_KEYS"] = seeded.variables["SECRET_KEYS"].split(",")[0]
    assert "all 4 stored credentials open with the newest key" in seeded.run("doctor", "--offline")


@pytest.mark.parametrize(
    "keys, cause",
    [("", "SECRET_KEYS"), ("c2hvcnQ=", "not 32 bytes"), (new_key(), "not in SECRET_KEYS: add it again")],
    ids=["missing", "short", "another"],
)
def test_a_missing_or_wrong_key_refuses_the_start_and_changes_nothing(seeded: Shell, keys: str, cause: str) -> None:
    """T60."""
    before = (seeded.folder / "tidings.db").read_bytes()
    seeded.variables["SECRET_KEYS"] = keys
    output = seeded.run("serve", code=1)
    assert cause in output
    assert not keys or keys not in output
    assert (seeded.folder / "tidings.db").read_bytes() == before


def test_the_order_of_the_keys_does_not_matter_and_a_check_of_nothing_is_none(seeded: Shell) -> None:
    """T60; the twin that looks at no place would start with any key."""
    own, other = Secret(seeded.variables["SECRET_KEYS"]), Secret(new_key())
    database = open_database(seeded.variables["DATABASE_URL"])
    try:
        for keys in ([own], [own, other], [other, own]):
            check_keys(database, Seal(keys))
        with pytest.raises(SealError, match="4 stored credentials"):
            check_keys(database, Seal([other]))
        check_keys(database, Seal([other]), places=())
    finally:
        database.close()


def test_preview_renders_a_sample_in_every_form(shell: Shell) -> None:
    assert {"status_all_fresh", "finished_ready"} & set(shell.run("preview").split())
    assert json.loads(shell.run("preview", "finished_ready"))["text"]
    assert shell.run("preview", "finished_ready", "--as", "text").startswith("Subject: ")
    assert "<html" in shell.run("preview", "finished_ready", "--as", "html").lower()
    assert "there is no" in shell.run("preview", "nothing", code=1)


def test_preview_puts_every_message_on_one_page(shell: Shell) -> None:
    page = shell.folder / "messages.html"
    names = shell.run("preview").split()
    assert f"{len(names)} messages are in" in shell.run("preview", "--page", str(page))
    written = page.read_text()
    assert all(f'id="{name}"' in written for name in names)
    # What the page cannot draw it would draw red.
    assert 'class="undrawn"' not in written
    assert "<script" not in written


def test_a_source_and_its_organization_are_found_by_their_own_names(seeded: Shell) -> None:
    database = open_database(seeded.variables["DATABASE_URL"])
    with database.read() as session:
        [organization] = seeds.organizations(session)
        assert organization.id == organization_id("temerity-goods")
        labels = [source.label for source in sources.sources_of(session, organization.id)]
    database.close()
    for words in (organization.id, organization.name, "temerity-goods"):
        assert "started" in seeded.run("refresh", words, labels[0]) or "joined" in seeded.run(
            "refresh", words, labels[0]
        )


def test_the_module_runs_where_nothing_is_installed() -> None:
    root = Path(__file__).parents[3]
    ran = subprocess.run(
        [sys.executable, "-m", "bot.cli", "--help"], capture_output=True, text=True, check=True, cwd=root
    )
    assert "doctor" in ran.stdout


def test_only_a_read_that_is_held_can_be_let_through(seeded: Shell) -> None:
    assert "needs one source" in seeded.run("refresh", "temerity-goods", "all", "--allow-shrink", code=1)
    assert "the one source that is read again" in seeded.run("refresh", "temerity-goods", "--reread", "all", code=1)
    assert "no read of this source is held" in seeded.run(
        "refresh", "temerity-goods", "shopify", "--allow-shrink", code=1
    )
