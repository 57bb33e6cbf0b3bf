"""Logs: one JSON object a line, with the ids of organization, run and source, and without any secret, whoever logs."""

import contextlib
import json
import logging
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TextIO
from urllib.parse import unquote, urlsplit

import structlog
from structlog.typing import Processor

from bot.redact import Redactor, hide

if TYPE_CHECKING:
    from storage.settings import Settings

__all__ = ["configure_logging", "hide", "log_what_nobody_caught", "own_secrets"]

logger = logging.getLogger("bot")

#: Libraries that tell every request at INFO.
_NOISY = (
    *("slack_bolt", "slack_sdk", "aiohttp", "httpx", "httpcore", "asyncio", "apscheduler", "dbos", "alembic"),
    *("uvicorn", "aioftp", "asyncssh"),
    # The sandbox's mail and file servers share the demo's log.
    *("mail.log", "pyftpdlib"),
)


def configure_logging(level: str = "INFO", to: TextIO | Path | None = None, known: Iterable[str] = ()) -> None:
    """Set logging up for this process, at its start: to standard error, a stream, or a file that only its owner reads.

    What libraries log goes the same way and is redacted, too; `known` are secrets of this process (see `own_secrets`).
    """
    redactor = Redactor(known)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    handler = _handler(to)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redactor,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    _only(handler, level.upper())
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def own_secrets(settings: "Settings") -> list[str]:
    """Return every secret that a process got by its settings, and the passwords inside of its addresses."""
    from pydantic import SecretStr

    found: list[str] = []
    for value in [*(getattr(settings, name) for name in type(settings).model_fields), *settings.secret_keys]:
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        if isinstance(value, SecretStr):
            found.append(text)
        if "://" in text and (password := urlsplit(text).password):
            found += [password, unquote(password)]
    return found


def log_what_nobody_caught() -> None:
    """Send tracebacks that would end a process or a thread to the log, where they are redacted."""

    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, Exception):
            logger.error("uncaught", exc_info=(kind, error, trace))
        else:
            sys.__excepthook__(kind, error, trace)

    def in_thread(found: threading.ExceptHookArgs) -> None:
        if found.exc_value is not None:
            uncaught(found.exc_type, found.exc_value, found.exc_traceback)

    def unraisable(found: "sys.UnraisableHookArgs") -> None:
        if found.exc_value is not None:
            uncaught(found.exc_type, found.exc_value, found.exc_traceback)

    sys.excepthook = uncaught
    threading.excepthook = in_thread
    sys.unraisablehook = unraisable


class _Discreet(logging.StreamHandler[TextIO]):
    """Where the standard library prints a record that it cannot format, arguments and all, this says only that."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Say that a record was lost, without what is in it."""
        kind = sys.exc_info()[0]
        lost = {"event": "log_line_lost", "logger": record.name, "reason": kind.__name__ if kind else ""}
        # A stream that is full or closed takes no words about that either.
        with contextlib.suppress(OSError, ValueError):
            self.stream.write(f"{json.dumps(lost)}\n")
            self.flush()


class _DiscreetFile(_Discreet, logging.FileHandler):
    """The same, into a file."""


def _handler(to: TextIO | Path | None) -> logging.Handler:
    if not isinstance(to, Path):
        return _Discreet(to or sys.stderr)
    to.touch(mode=0o600)
    return _DiscreetFile(to, encoding="utf-8")


def _only(handler: logging.Handler, level: str) -> None:
    """Let everything go through that handler alone, also what loggers with handlers of their own say."""
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(capture=True)
    for name in _NOISY:
        library = logging.getLogger(name)
        library.setLevel(max(logging.WARNING, root.level))
        library.propagate = True
        # Not empty: the engine's library would give its logger a handler of its own, which redacts nothing.
        library.handlers[:] = [logging.NullHandler()]
