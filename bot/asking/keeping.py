"""What is kept of a question for the one that follows it, as text: what it named, and nothing of its words."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.asking.facts import Asked, Intent, Span
from bot.asking.reading import Before

#: A longer text is not kept: what follows is then asked which source is meant.
_MOST = 4000
_TEXTS = ("person", "document", "amount", "metric")
_LISTS = ("source_ids", "except_ids")


def packed(before: Before | None) -> str | None:
    """Return the text to keep; None where there is nothing to take up, or too much."""
    if before is None:
        return None
    asked = before.asked
    told: dict[str, object] = {"intent": asked.intent.value, "everything": asked.everything, "no": before.declined}
    told |= {name: list(getattr(asked, name)) for name in _LISTS}
    told |= {name: getattr(asked, name) for name in _TEXTS}
    if asked.span is not None:
        times = {name: at.isoformat() for name in ("start", "end", "at") if (at := getattr(asked.span, name))}
        told["span"] = {"text": asked.span.text, **times}
    text = json.dumps({name: value for name, value in told.items() if value}, separators=(",", ":"))
    return text if len(text) <= _MOST else None


def unpacked(text: str | None) -> Before | None:
    """Return what was kept; None for nothing, and for what another version of the program wrote and this one cannot."""
    if text is None:
        return None
    try:
        told = json.loads(text)
        asked = Asked(
            Intent(told["intent"]),
            source_ids=tuple(told.get("source_ids", ())),
            everything=told.get("everything", False),
            except_ids=tuple(told.get("except_ids", ())),
            span=_span(told.get("span")),
            person=told.get("person"),
            document=told.get("document"),
            amount=told.get("amount"),
            metric=told.get("metric"),
        )
        return Before(asked, declined=told.get("no", False))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _span(told: Mapping[str, Any] | None) -> Span | None:
    if told is None:
        return None
    times = {name: datetime.fromisoformat(told[name]) for name in ("start", "end", "at") if name in told}
    return Span(told["text"], **times)
