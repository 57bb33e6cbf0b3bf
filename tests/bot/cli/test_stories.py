"""The stories of the demo: played as a user plays them, and shown to notice what is missing."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli.app import app
from bot.cli.demo_ground import Wishes
from bot.cli.stories import STORIES, sources
from bot.cli.stories.stage import Stage, nothing_was_wrong, play
from storage.facts.sources import Provider
from storage.sessions import Database
from storage.warehouse.session import Limits, opened

ROOT = Path(__file__).parents[3]
#: Providers whose every row is compared; the quick run leaves out those whose many tables take long.
FOLLOWED = sources.CONNECTED if os.environ.get("SOAK") else (Provider.SHOPIFY, Provider.NETSUITE)


#: `refresh` is played from the built wheel, in tests/scenarios/test_wheel.py; `reconnect` with every log there is, in
#: tests/scenarios/test_no_secret_leaks.py; `sources` below; `metrics` in tests/bot/cli/test_metric_story.py; `exchange`
#: in tests/bot/cli/test_exchange_story.py.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", sorted(STORIES.keys() - {"refresh", "reconnect", "sources", "metrics", "exchange"}))
def test_a_story_is_seen_to_its_end(name: str) -> None:
    command = [sys.executable, "-m", "bot.cli", "demo", "--headless", "--check", name, "--size", "20"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=280, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("ok  ") >= 7
    assert "nothing twice" in ran.stdout
    assert ran.stderr == ""


@pytest.mark.postgres
@pytest.mark.timeout(600)
def test_trust_holds_on_three_workers_of_which_one_is_killed(postgres_database: Database) -> None:
    """The same story by a web process and three workers, one of which is killed while it collects for Maya."""
    command = [sys.executable, "-m", "bot.cli", "demo", "--headless", "--check", "trust", "--size", "20"]
    several = ["--database", postgres_database.url, "--workers", "3", "--kill"]
    ran = subprocess.run([*command, *several], capture_output=True, text=True, cwd=ROOT, timeout=580, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "is killed while it collects what Maya asked for" in ran.stdout
    assert "another worker goes on with it" in ran.stdout
    assert ran.stderr == ""


@pytest.mark.parametrize(
    "options, words",
    [
        (["--workers", "3"], "several processes need Postgres"),
        (["--kill"], "whoever kills a worker needs another one"),
    ],
)
def test_what_cannot_be_played_is_refused(options: list[str], words: str) -> None:
    told = CliRunner().invoke(app, ["demo", "--headless", "--check", "trust", *options])
    assert told.exit_code == 1
    assert words in told.stderr


def test_an_unknown_story_is_refused() -> None:
    told = CliRunner().invoke(app, ["demo", "--headless", "--check", "nothing"])
    assert told.exit_code == 1
    assert "there is no story 'nothing'" in told.stderr


def test_a_story_works_by_socket_mode_too(logs_restored: None) -> None:
    async def asks(stage: Stage) -> None:
        await stage.act(lambda: stage.slack.command("U0MAYA", "C0FINANCE", "/data", "status"))
        await stage.see(
            "an answer", lambda: [one for one in stage.messages("C0FINANCE", "U0MAYA") if "Temerity" in one.everything]
        )

    assert play("socket", asks, Wishes(size=5, socket_mode=True, connected=False))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_every_stream_is_compared_and_one_altered_row_is_noticed(
    kind: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], logs_restored: None
) -> None:
    url = request.getfixturevalue("postgres_database").url if kind == "postgres" else None

    async def altered(stage: Stage) -> None:
        account = await sources.followed(stage, FOLLOWED)
        await nothing_was_wrong(stage)
        first, *_ = await stage.statuses()
        with opened(stage.warehouse(first)._location, Limits(), write=True) as session:
            one = "(SELECT min(id) FROM lake.main.raw_netsuite_transaction_lines WHERE NOT _deleted)"
            session.run(f"UPDATE lake.main.raw_netsuite_transaction_lines SET amount = amount + 0.01 WHERE id = {one}")
        await sources.compare(stage, account, daily=True)

    wishes = Wishes(size=20, connected=False, documents=1, database_url=url)
    assert not play("sources", altered, wishes)
    *steps, failed = [one for one in capsys.readouterr().out.splitlines() if one.startswith(("ok  ", "fail"))]
    assert sum("each as the provider has it" in one for one in steps) >= 2 * len(FOLLOWED)
    assert failed.startswith("fail  NetSuite via bucket is not as the provider has it")


async def waits_in_vain(stage: Stage) -> None:
    await stage.see(
        "a message that nobody sends",
        lambda: [one for one in stage.messages("C0FINANCE", "U0MAYA") if "tomato" in one.text],
    )


async def mail_is_lost(stage: Stage) -> None:
    await stage.outside(lambda: stage.sandbox.mail.lie("tempfail", times=None))
    await stage.see("the mail", lambda: stage.sandbox.mail.messages)


async def slack_is_not_answered(stage: Stage) -> None:
    stage.slack.request_url = "http://127.0.0.1:9/slack/events"
    await stage.act(lambda: stage.slack.command("U0MAYA", "C0FINANCE", "/data", ""))


async def slack_refuses_a_call(stage: Stage) -> None:
    import httpx

    async with httpx.AsyncClient(base_url=stage.slack.api_url) as client:
        headers = {"Authorization": "Bearer xoxb-sandbox-temerity"}
        await client.post("chat.postMessage", json={"channel": "C0NOWHERE", "text": "x"}, headers=headers)


@pytest.mark.parametrize("broken", [waits_in_vain, mail_is_lost, slack_is_not_answered, slack_refuses_a_call])
def test_what_is_missing_makes_a_story_fail(
    broken: object, capsys: pytest.CaptureFixture[str], logs_restored: None
) -> None:
    assert callable(broken)
    assert not play("broken", broken, Wishes(size=5), patience=0.5)
    assert "fail" in capsys.readouterr().out


def test_the_help_names_every_story() -> None:
    said = " ".join(CliRunner().invoke(app, ["demo", "--help"]).output.split())
    assert f"The story to play: {', '.join(STORIES)}, or all." in said


def test_the_demo_opens_lets_time_pass_and_ends_cleanly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it runs, nobody else can read what it writes."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path), "SLACK_APP_TOKEN": "xapp-real-one"}
    command = [sys.executable, "-m", "bot.cli", "demo"]
    with subprocess.Popen(
        [*command, "--no-open", "--size", "5"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        cwd=tmp_path, env=environment, umask=0,
    ) as demo:  # fmt: skip
        assert demo.stdout is not None
        welcome = [demo.stdout.readline()]
        while welcome[-1] and "Ctrl-C" not in welcome[-1]:
            welcome.append(demo.stdout.readline())
        assert "Temerity Goods is open" in welcome[0]
        assert "Ctrl-C" in welcome[-1]
        page = next(line.split()[-1] for line in welcome if "The workspace" in line)
        with urllib.request.urlopen(f"{page}/", timeout=60) as answer:
            assert b"Maya" in answer.read()
        written = [tmp_path / "data", *(tmp_path / "data").rglob("*"), *tmp_path.glob("tidings-demo-*")]
        assert len(written) > 3
        assert [path for path in written if path.stat().st_mode & 0o077] == []
        monkeypatch.chdir(tmp_path)
        assert "180 minutes passed" in CliRunner().invoke(app, ["demo", "--let-pass", "3h"]).stdout
        demo.send_signal(signal.SIGINT)
        rest = demo.stdout.read()
        assert demo.wait(timeout=60) == 0
    assert rest.strip() == "stopped; nothing is left behind"
    assert not list(tmp_path.glob("tidings-demo-*"))
    assert not (tmp_path / "data" / "demo" / "backstage").exists()
