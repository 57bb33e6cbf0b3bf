"""Logs: one JSON object a line, with the ids of organization, run and source, and without any secret, whoever logs."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

HIDDEN = "•••"

_SECRETS = re.compile(
    r"xox[a-z](?:\.xox[a-z])?-[\w.\-]{6,}|xapp-[\w.\-]{6,}|xoxe[\w.\-]{6,}"
    r"|shp(?:at|ss|ca|pa|rt)_[0-9a-zA-Z]{8,}|Atz[ar]\|[\w\-+/=]{8,}"
    r"|(?<=[Bb]earer )[\w.\-~+/=]{6,}|(?<=[Bb]asic )[\w+/=]{6,}"
    r"|(?<=://)[^/\s:@\"]+:[^/\s@\"]+(?=@)"
    r"|(?<=hooks\.slack\.com/)[\w/\-%.]+|(?<=/response/)[\w\-%.]+"
)
#: Fields that hold a secret whatever it looks like.
_NAMED = re.compile(
    r"token|secret|password|authorization|signature|cookie|credential|response_url|api_key", re.IGNORECASE
)
_NOISY = ("slack_bolt", "slack_sdk", "aiohttp", "httpx", "httpcore", "uvicorn.access", "asyncio", "apscheduler", "dbos")


def hide(text: str) -> str:
    """Return the text with everything that looks like a credential hidden."""
    return _SECRETS.sub(HIDDEN, text)


def redact(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Hide secrets in an event, by the names of its fields and by what the values look like."""
    return {name: HIDDEN if _NAMED.search(name) and value else _hidden(value) for name, value in event.items()}


def _hidden(value: Any) -> Any:
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, MutableMapping):
        return redact(None, "", dict(value))
    if isinstance(value, list | tuple):
        return [_hidden(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return hide(str(value))


def configure_logging(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Set logging up for this process, once, at its start; libraries that log by themselves are redacted, too."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            redact,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
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
