"""The neutral message as Slack shows it; every limit of Slack's lives in this package."""

from typing import Any, TypedDict

from storage.facts.charts import Chart
from storage.facts.messages import Message, Steps, Table, Thumbs
from templates.slack import limits
from templates.slack.inline import Reader, summary
from templates.slack.layout import action_name, lay_out, name_blocks
from templates.slack.limits import Rung, TooLong
from templates.slack.room import Room
from templates.slack.views import answer, home, modal, page, suggestions
from templates.text import size

__all__ = [
    "Rung",
    "SlackMessage",
    "TooLong",
    "action_name",
    "answer",
    "has_thumbs",
    "home",
    "modal",
    "newest",
    "page",
    "render",
    "suggestions",
]


class SlackMessage(TypedDict):
    """The two arguments of a post or an edit."""

    text: str
    blocks: list[dict[str, Any]]


def newest(message: Message, known: Rung = Rung.NATIVE) -> Rung:
    """Return the rung to try first: what this message makes use of, and not above what the workspace is known to take.

    A message on a rung below THUMBS, PLAN, NATIVE and DATA_TABLE has nothing in it that a workspace may not know yet.
    """
    charts = any(isinstance(part, Chart) for part in message.parts)
    sortable = any(isinstance(part, Table) and part.sortable for part in message.parts)
    planned = any(isinstance(part, Steps) and part.title for part in message.parts)
    asked = Rung.PLAN if planned else Rung.NATIVE if charts else Rung.DATA_TABLE if sortable else Rung.TABLE
    asked = Rung.THUMBS if has_thumbs(message) else asked
    return max(asked, known, key=list(Rung).index)


def has_thumbs(message: Message) -> bool:
    """Whether the message asks whether it was right."""
    return any(isinstance(part, Thumbs) for part in message.parts)


def render(
    message: Message, *, revision: int = 0, rung: Rung = Rung.NATIVE, team_id: str | None = None, zone: str = "UTC"
) -> SlackMessage:
    """Return text and blocks that Slack accepts, whatever the message holds.

    `revision` must be new for each edit of a posted message; `team_id` is the workspace that reads; `zone` (IANA) is
    used only in the fallback text of dates, which Slack shows where it cannot show the reader's own zone.
    """
    text = summary(message.summary)
    room = Room(limits.MESSAGE_TEXT - size(text), limits.MESSAGE_BLOCKS)
    blocks = lay_out(message.parts, rung, Reader(team_id, zone), room)
    return {"text": text, "blocks": name_blocks(blocks, message.kind, revision)}
