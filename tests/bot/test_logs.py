"""Logs: JSON lines with ids and without secrets, ours and those of libraries."""

import io
import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog

from bot.logs import configure_logging, hide, own_secrets
from bot.redact import LONGEST
from storage.facts.secret import Secret
from tests.bot.test_main import settings_for

SECRETS = [
    "xoxb-1234567890-abcdefghijkl", "xoxe.xoxb-1-abcdefghijklmno", "xoxe-1-abcdefghijklmno", "xapp-1-A0-123-abcdef",
    "shpat_0123456789abcdef0123", "tdk_0123456789abcdefghjkmn_AbCdEfGhIjKlMnOpQrStUvWxYz012345678901234567", "Atzr|IwEBIabcdefghij",
]  # fmt: skip


@contextmanager
def logging_kept() -> Iterator[None]:
    """Put logging back, since it belongs to the whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    with logging_kept():
        configure_logging("INFO", stream)
        yield stream


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
        "GET https://tidings.example/connect/l/Zm9vYmFy_-1/go",
        "Your code to connect Shopify: 4711 0815",
    ],
)
def test_other_shapes(text: str) -> None:
    hidden = hide(text)
    assert "•••" in hidden
    assert all(part not in hidden for part in ("abcdef123456", "hunter22", "actions/T1", "YWJj", "Zm9v", "0815"))


#: Libraries that log on their own; the engine's library gives its logger a handler of its own if it has none.
LIBRARIES = [
    "uvicorn",
    "uvicorn.error",
    "dbos",
    "slack_bolt",
    "slack_sdk.web.async_client",
    "asyncio",
    "alembic",
    "py.warnings",
]
#: How a credential without a shape of its own gets into a text: the name beside it tells.
NAMED = [
    "refresh_token=AB11no9shape", '{"access_token": "AB11no9shape"}', "{'client_secret': 'AB11no9shape'}",
    "X-Intuit-Token: AB11no9shape", "Authorization: Digest AB11no9shape", "cookie: a=1; b=AB11no9shape",
    "[(b'x-shopify-access-token', b'AB11no9shape')]", "https://a.example/back?code=AB11no9shape&realmId=9",
    "https://a.example/?x=1&spapi_oauth_code=AB11no9shape", "https://a.example/?nonce=AB11no9shape",
    "wss://a.example/link?ticket=AB11no9shape", "host='h' password='AB11no9shape' dbname='d'", "postgresql://:AB11no9shape@h/d",
    "smtps://user:AB11no9shape@mail.example", "password: AB11no9shape", "X-Api-Key:AB11no9shape",
]  # fmt: skip


@pytest.mark.parametrize("text", NAMED)
def test_a_name_gives_a_credential_without_a_shape_away(text: str) -> None:
    assert "AB11no9shape" not in hide(text)


@pytest.mark.parametrize(
    "text",
    [
        "the grant has no refresh token: connect the account again",
        "tokens.py:12 in token_of",
        "the signing secret is missing or too short",
        "https://a.example/v3/company/9/query?minorversion=75",
    ],
)
def test_words_about_credentials_stay(text: str) -> None:
    assert hide(text) == text


class Broken:
    """A library's call that fails with the credential in its error."""

    def fail(self, text: str) -> None:
        raise ConnectionError(text)


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_library_is_redacted(lines: io.StringIO, library: str) -> None:
    logging.getLogger(library).error("sent %s", SECRETS[0], extra={"headers": {b"authorization": SECRETS[1]}})
    try:
        Broken().fail("refresh_token=AB11no9shape")
    except ConnectionError:
        logging.getLogger(library).exception("failed")
    first, second = (json.loads(line) for line in lines.getvalue().splitlines())
    assert first["logger"] == second["logger"] == library
    assert "ConnectionError" in second["exception"]
    assert not any(secret in lines.getvalue() for secret in (*SECRETS, "AB11no9shape"))


def test_our_own_secrets_are_hidden_in_any_shape(tmp_path: Path) -> None:
    settings = settings_for("postgresql://u:p%40ssword-db@h/d", tmp_path, slack_signing_secret="plain words of ours")
    stream = io.StringIO()
    with logging_kept():
        configure_logging("INFO", stream, own_secrets(settings))
        logging.getLogger("x").error(
            "said plain words of ours, p@ssword-db, %s", settings.secret_keys[0].get_secret_value()
        )
    assert json.loads(stream.getvalue())["event"] == "said •••, •••, •••"


def test_a_line_that_cannot_be_written_is_not_printed_with_its_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    with logging_kept():
        configure_logging("INFO", stream)
        logging.getLogger("x").error("%d", SECRETS[0])
    assert json.loads(stream.getvalue()) == {"event": "log_line_lost", "logger": "x", "reason": "TypeError"}
    assert SECRETS[0] not in "".join(capsys.readouterr())


def test_an_endless_text_is_cut(lines: io.StringIO) -> None:
    began = time.thread_time()
    for endless in ("a" * 3_000_000, "token" * 600_000, "://" * 900_000, "eyJ" * 900_000, "token: " * 300_000):
        structlog.get_logger("x").info("page", body=endless)
    assert all(len(line) < LONGEST + 1000 for line in lines.getvalue().splitlines())
    assert time.thread_time() - began < 5


FAULT = """
import sys, threading
from bot.cli import prepare
prepare()
def fail(): raise ValueError("refresh_token=AB11no9shape xoxb-1234567890-abcdefghijkl")
thread = threading.Thread(target=fail); thread.start(); thread.join()
{twin}
fail()
"""


CORE = """
import resource
from bot.cli import prepare
high = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (high, high))
{call}
low = resource.getrlimit(resource.RLIMIT_CORE)[0]
print(low == 0, low == high)
"""


@pytest.mark.parametrize("call, at", [("prepare()", 0), ("", 1)])
def test_a_crash_writes_no_memory_to_the_disk(call: str, at: int) -> None:
    """The twin that prepares nothing keeps the limit that it was started with."""
    done = subprocess.run([sys.executable, "-c", CORE.format(call=call)], capture_output=True, text=True, check=True)
    assert done.stdout.split()[at] == "True"


@pytest.mark.parametrize("twin", ["", "sys.excepthook = sys.__excepthook__"])
def test_a_traceback_that_nobody_caught_is_redacted(twin: str) -> None:
    done = subprocess.run([sys.executable, "-c", FAULT.format(twin=twin)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    leaks = "AB11no9shape" in done.stderr
    assert leaks == bool(twin)
    if not twin:
        lines = [json.loads(line) for line in done.stderr.splitlines()]
        assert [line["event"] for line in lines] == ["uncaught", "uncaught"]
        assert all("ValueError" in line["exception"] for line in lines)


def test_the_check_sees_a_formatter_that_does_not_hide(lines: io.StringIO) -> None:
    twin = logging.StreamHandler(lines)
    logging.getLogger().handlers[:] = [twin]
    logging.getLogger("some.library").warning("Bearer %s", SECRETS[0])
    assert SECRETS[0] in lines.getvalue()
