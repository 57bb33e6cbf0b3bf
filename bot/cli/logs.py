"""Logging of a process: one JSON object per line, events with keywords, and nothing that looks like a token."""

import logging
import re
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

#: What tokens look like; a last net under the type that keeps secrets from being printed.
_TOKENS = re.compile(r"(xox[a-z]-|xapp-|shp[a-z]{2}_|Bearer\s+)[A-Za-z0-9._~+/=-]{6,}")
#: Libraries that tell every request at INFO.
_CHATTY = ("httpx", "httpcore", "aiohttp", "slack_sdk", "slack_bolt", "dbos", "apscheduler", "uvicorn", "alembic")


def configure_logs(level: str, file: Path | None = None) -> None:
    """Send everything that is logged to standard error, or to a file that only its owner reads."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = _handler(file)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                without_tokens,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def without_tokens(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank out what looks like a token in any text of the event."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = _TOKENS.sub(r"\1•••", value)
    return event


def _handler(file: Path | None) -> logging.Handler:
    if file is None:
        return logging.StreamHandler(sys.stderr)
    file.touch(mode=0o600)
    return logging.FileHandler(file, encoding="utf-8")
