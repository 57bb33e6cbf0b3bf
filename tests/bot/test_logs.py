"""Logs: JSON lines with ids and without secrets, ours and those of libraries."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from bot.logs import configure_logging, hide
from storage.facts.secret import Secret

SECRETS = [
    "xoxb-1234567890-abcdefghijkl", "xoxe.xoxb-1-abcdefghijklmno", "xoxe-1-abcdefghijklmno", "xapp-1-A0-123-abcdef",
    "shpat_0123456789abcdef0123", "Atzr|IwEBIabcdefghij",
]  # fmt: skip


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("INFO", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_ours_are_json_with_ids(lines: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(org="org_1"):
        structlog.get_logger("bot.test").info("refresh_finished", run="run_1", source="src_1", seconds=3)
    (line,) = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert line["event"] == "refresh_finished"
    assert (line["org"], line["run"], line["source"], line["level"], line["seconds"]) == (
        "org_1",
        "run_1",
        "src_1",
        "info",
        3,
    )
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_gets_out_whoever_logs_it(lines: io.StringIO, secret: str) -> None:
    structlog.get_logger("bot.test").info("event", text=f"got {secret}!", nested={"a": [secret]}, token="plain")
    logging.getLogger("some.library").warning("Authorization: Bearer %s", secret)
    logging.getLogger("some.library").warning({"headers": secret})
    try:
        int(f"failed with {secret}")
    except ValueError:
        logging.getLogger("some.library").exception("oh")
        structlog.get_logger("bot.test").exception("oh", secret=Secret(secret))
    text = lines.getvalue()
    assert len(text.splitlines()) == 5
    assert secret not in text
    assert "plain" not in text


@pytest.mark.parametrize(
    "text",
    [
        "Bearer abcdef123456",
        "https://user:hunter22@example.com/x",
        "https://hooks.slack.com/actions/T1/2/abc",
        "Basic YWJjOmRlZg==",
    ],
)
def test_other_shapes(text: str) -> None:
    hidden = hide(text)
    assert "•••" in hidden
    assert all(part not in hidden for part in ("abcdef123456", "hunter22", "actions/T1", "YWJj"))


def test_the_check_sees_a_formatter_that_does_not_hide(lines: io.StringIO) -> None:
    twin = logging.StreamHandler(lines)
    logging.getLogger().handlers[:] = [twin]
    logging.getLogger("some.library").warning("Bearer %s", SECRETS[0])
    assert SECRETS[0] in lines.getvalue()
