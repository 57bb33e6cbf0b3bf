"""What is said of metrics stands in the message, and not only in the line that Slack shows in a notification."""

from datetime import UTC, datetime

import pytest

from storage.facts.messages import Message
from templates import slack
from templates.notices import metrics, metrics_out

SAID = {
    "no list": metrics.metrics_list("Temerity", [], datetime(2026, 11, 22, tzinfo=UTC)),
    "missing": metrics.metric_missing("Cash"),
    "made": metrics.metric_made("Cash"),
    "deleted": metrics.metric_deleted("Cash"),
    "refused": metrics.metric_refused("the target is no number"),
    "not connected": metrics.metric_needs_quickbooks(connects=False),
    "noun": metrics.noun_refused("a noun is one word"),
    "nowhere": metrics_out.metric_post_unclear("#nowhere"),
}


@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
def test_what_was_done_or_refused_is_read(said: Message) -> None:
    first, *_ = slack.render(said)["blocks"]
    assert said.summary.split(":")[-1].strip() in first["text"]["text"]


def test_a_message_of_advice_alone_is_found() -> None:
    twin = metrics.metric_refused("the target is no number")
    blocks = slack.render(Message(twin.summary, twin.parts[1:]))["blocks"]
    assert "the target is no number" not in str(blocks)
