"""What is said of metrics stands in the message, and not only in the line that Slack shows in a notification."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from storage.facts.api_keys import ApiKey, KeyScope
from storage.facts.audit import AuditEntry, AuditPage
from storage.facts.messages import Message
from storage.facts.people import Action, Member, Role
from templates import slack
from templates.notices import (
    api_keys,
    audit_list,
    help_text,
    member_list,
    metric_changing,
    metrics,
    metrics_out,
    not_allowed,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)
COMMANDS = re.compile(r"/data [a-z ]+")
MANAGER = Member("mem_1", "org_1", "T1", "U1", "Maya Ortiz", Role.MANAGER, "UTC", None, email_confirmed=False)

SAID = {
    "no list": metrics.metrics_list("Temerity", [], datetime(2026, 11, 22, tzinfo=UTC)),
    "missing": metrics.metric_missing("Cash"),
    "made": metric_changing.metric_made("Cash"),
    "deleted": metric_changing.metric_deleted("Cash"),
    "refused": metric_changing.metric_refused("the target is no number"),
    "not connected": metric_changing.metric_needs_quickbooks(connects=False),
    "noun": metric_changing.noun_refused("a noun is one word"),
    "nowhere": metrics_out.metric_post_unclear("#nowhere"),
}


@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
def test_what_was_done_or_refused_is_read(said: Message) -> None:
    first, *_ = slack.render(said)["blocks"]
    assert said.summary.split(":")[-1].strip() in first["text"]["text"]


def test_a_message_of_advice_alone_is_found() -> None:
    twin = metric_changing.metric_refused("the target is no number")
    blocks = slack.render(Message(twin.summary, twin.parts[1:]))["blocks"]
    assert "the target is no number" not in str(blocks)


KEY = ApiKey("key_1", "org_1", "mem_1", "Reports", frozenset(KeyScope), NOW)
DONE = AuditEntry(1, NOW, "Daniel Kim", Action.CHANGE_METRICS, "Cash", {})
#: What tells of metrics without one of them.
TOLD: dict[str, Callable[[str], Message]] = {
    "refused": lambda noun: not_allowed(Action.CHANGE_METRICS, Role.MANAGER, ("Daniel Kim",), noun),
    "refused the name": lambda noun: not_allowed(Action.NAME_METRICS, Role.ADMIN, (), noun),
    "help": lambda noun: help_text(list(Action), Role.ADMIN, (), noun),
    "members": lambda noun: member_list("Temerity", [MANAGER], (), noun),
    "audit": lambda noun: audit_list("Temerity", AuditPage((DONE,), 1, ()), noun),
    "keys": lambda noun: api_keys.keys([(KEY, "Daniel Kim")], NOW, noun),
    "no keys": lambda noun: api_keys.keys([], NOW, noun),
    "a key": lambda noun: api_keys.key_made(KEY, "shown once", noun),
}


@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD)
def test_the_organizations_own_word_is_read(told: Callable[[str], Message]) -> None:
    assert "goal" in words(told("Goal"))
    assert "metric" not in words(told("Goal"))
    # Who says nothing else reads the usual word.
    assert "metric" in words(told("Metric"))


def words(message: Message) -> str:
    """Return what people read, without what they type."""
    return COMMANDS.sub("", json.dumps(slack.render(message)["blocks"])).casefold()
