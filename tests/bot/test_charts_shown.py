"""Blocks that a workspace may not take yet: never in an ack, plainer where they are refused, and remembered."""

import json
from typing import Any

from bot.cli.samples.catalogue import messages
from bot.cli.samples.facts import ZONE
from bot.interaction import Interaction, Kind
from bot.reply import Reply
from bot.show import Shower, ack_body
from bot.slack import NotShownError
from storage.facts.people import SlackIdentity
from storage.facts.secret import Secret

MAYA = SlackIdentity("T0TEMERITY", "U0MAYA")
NEW = {"data_visualization", "data_table"}


class Workspace:
    """Notes what it is shown; one that is old refuses blocks that it does not know, as Slack does."""

    def __init__(self, *unknown: str) -> None:
        self.unknown = set(unknown)
        self.shown: list[list[str]] = []

    async def respond(self, url: Secret, body: dict[str, Any]) -> None:
        kinds = [block["type"] for block in body["blocks"]]
        self.shown.append(kinds)
        if self.unknown & set(kinds):
            raise NotShownError("invalid_blocks")


def request() -> Interaction:
    url = Secret("https://hooks.slack.com/commands/x")
    return Interaction(Kind.COMMAND, MAYA, MAYA.team_id, "C0FINANCE", "1.2", "/data", response_url=url)


def reply(name: str) -> Reply:
    return Reply(messages()[name], zone=ZONE)


async def told(workspace: Any, *names: str) -> list[list[str]]:
    shower = Shower(workspace)
    for name in names:
        await shower.show(reply(name), request())
    return list(workspace.shown)


def test_what_may_be_refused_is_not_said_in_an_ack() -> None:
    assert ack_body(reply("history_charts"), request()) is None
    assert ack_body(reply("history"), request()) is not None
    said = json.loads(ack_body(reply("status_many"), request()) or "{}")
    kinds = [block["type"] for block in said["blocks"]]
    assert "table" in kinds
    assert "data_table" not in kinds


async def test_a_new_workspace_gets_charts_and_tables_to_sort() -> None:
    charts, table = await told(Workspace(), "history_charts", "status_many")
    assert charts.count("data_visualization") == 2
    assert "data_table" in table


async def test_an_old_one_gets_words_and_is_not_asked_again() -> None:
    first, second, third = await told(Workspace(*NEW), "history_charts", "history_charts")
    assert "data_visualization" in first
    assert second == third
    assert not NEW & set(second)
    assert "table" in second


async def test_one_that_draws_no_charts_keeps_its_tables_to_sort() -> None:
    *_, table = await told(Workspace("data_visualization"), "history_charts", "status_many")
    assert "data_table" in table


async def test_a_refusal_of_one_message_makes_no_other_plainer() -> None:
    """What a workspace refuses below the new blocks is about the message, not about the workspace."""
    *_, plain = await told(Workspace("section"), "history_charts")
    workspace = Workspace("table", *NEW)
    stand_in: Any = workspace
    shower = Shower(stand_in)
    await shower.show(reply("history_charts"), request())
    workspace.unknown = set()
    await shower.show(reply("history"), request())
    assert "table" in workspace.shown[-1]
    assert "table" not in plain
