"""How much of a message is left, and the few blocks that everything is made of."""

from dataclasses import dataclass
from typing import Any

from templates.text import counted, size

Block = dict[str, Any]

#: Keys whose strings a reader sees or Slack may count as text.
_COUNTED = frozenset({"text", "fallback", "format", "caption", "url", "title", "name", "label", "x_label", "y_label"})


@dataclass(frozen=True, slots=True)
class Room:
    """Characters and blocks that may still be used."""

    chars: int
    blocks: int

    def less(self, blocks: list[Block]) -> "Room":
        """Return what is left after those blocks."""
        return Room(self.chars - weight(blocks), self.blocks - len(blocks))


def weight(value: object) -> int:
    """Return how much text is in a block, or in anything made of blocks, counted generously."""
    if isinstance(value, dict):
        return sum(
            size(inner) if key in _COUNTED and isinstance(inner, str) else weight(inner) for key, inner in value.items()
        )
    if isinstance(value, list | tuple):
        return sum(map(weight, value))
    return 0


def section(text: str) -> Block:
    """Return a section of mrkdwn; `verbatim` keeps Slack from linking addresses and names it finds."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def context(text: str) -> Block:
    """Return small print."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}


def more(count: int, one: str) -> str:
    """Return the sentence that admits what is not shown: ``… 12 more rows``."""
    return f"… {counted(count, f'more {one}')}"
