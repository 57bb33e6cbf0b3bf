"""Spans of time, isolated settings, logs."""

import json
import logging
import stat
from pathlib import Path

import pytest
import structlog

from bot.cli.demo import let_pass, minutes
from bot.cli.isolated import isolated_settings
from bot.logs import configure_logging, hide

ENOUGH = {"SLACK_BOT_TOKEN": "xoxb-local", "SLACK_SIGNING_SECRET": "0123456789abcdef", "SECRET_KEYS": "a,b"}


@pytest.mark.parametrize("words,expected", [("3h", 180), ("90m", 90), ("1h30m", 90), ("1d2h", 1560), (" 2H ", 120)])
def test_spans_are_read(words: str, expected: int) -> None:
    assert minutes(words) == expected


@pytest.mark.parametrize("words", ["", "3", "h", "3 hours", "-3h", "3h3h", "٣h", "1h 30m"])
def test_what_is_no_span_is_refused(words: str) -> None:
    with pytest.raises(SystemExit):
        minutes(words)


def test_time_passes_in_no_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        let_pass("3h")


def test_nothing_of_the_callers_environment_reaches_isolated_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-real")
    monkeypatch.setenv("SMTP_URL", "smtps://real.example")
    monkeypatch.setenv("QUICKBOOKS_API_URL", "https://real.example")
    monkeypatch.setenv("ROLE", "worker")
    settings = isolated_settings(ENOUGH)
    assert not settings.socket_mode
    assert not settings.smtp_url.get_secret_value()
    assert settings.quickbooks_api_url == "https://quickbooks.api.intuit.com"
    assert settings.role == "all"
    assert [key.get_secret_value() for key in settings.secret_keys] == ["a", "b"]


@pytest.mark.parametrize(
    "token",
    ["xoxb-1234567890", "xapp-1-A-abcdef", "shpat_0123456789abcdef", "shprt_0123456789abcdef", "Bearer abc.def-ghi"],
)
def test_what_looks_like_a_token_is_blanked_out(token: str) -> None:
    text = hide(f"said {token}, then went")
    assert text.startswith("said ")
    assert text.endswith("•••, then went")
    assert token not in text


def test_logs_are_lines_of_json_that_only_the_owner_reads(tmp_path: Path, logs_restored: None) -> None:
    file = tmp_path / "log"
    configure_logging("INFO", file)
    structlog.get_logger("bot.test").info("refresh_finished", run="run_1", note="xoxb-1234567890")
    logging.getLogger("jobs.test").warning("late", extra={"seconds": 3})
    logging.getLogger("httpx").info("GET https://example.com/?token=1")
    first, second = (json.loads(line) for line in file.read_text().splitlines())
    assert (first["event"], first["run"], first["note"], first["level"]) == (
        "refresh_finished",
        "run_1",
        "•••",
        "info",
    )
    assert (second["event"], second["seconds"], second["logger"]) == ("late", 3, "jobs.test")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
