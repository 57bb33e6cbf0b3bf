"""`/data channel` and `/data members group`, as people type them."""

import pytest

from storage.facts.people import Role
from tests.bot.stage import Stage, staged


async def told(stage: Stage, user: str, words: str, channel: str = "C0FINANCE") -> str:
    """Type a command and return the answer, which only the asker sees."""
    before = len(stage.slack.messages(channel, viewer=user))
    assert (await stage.slack.command(user, channel, "/data", words)).ok
    found = await stage.slack.wait_for(lambda: stage.slack.messages(channel, viewer=user)[before:])
    assert {message.ephemeral_to for message in found} == {user}
    return found[-1].everything


async def test_an_admin_allows_a_channel_and_takes_it_back() -> None:
    async with staged() as stage:
        allowed = stage.services.channels.allowed
        assert "says nothing" in await told(stage, "U0PRIYA", "channel")
        answer = await told(stage, "U0DANIEL", "channel allow")
        assert "may speak" in answer
        assert "public channel" in answer
        assert allowed == {"C0FINANCE"}
        assert "may speak" in await told(stage, "U0PRIYA", "channel")
        assert "any more" in await told(stage, "U0DANIEL", "channel DENY")
        assert allowed == set()
        assert stage.slack.red == []
        assert stage.slack.refused == []


async def test_a_shared_channel_is_refused_with_the_reason() -> None:
    """T18."""
    async with staged() as stage:
        assert "shared with another company" in await told(stage, "U0DANIEL", "channel allow", "C0PARTNERS")
        assert stage.services.channels.allowed == set()


@pytest.mark.parametrize("user", ["U0MAYA", "U0PRIYA"])
async def test_who_is_no_admin_is_told_who_can(user: str) -> None:
    async with staged() as stage:
        for words in ("channel allow", "channel deny", "members group refresher <!subteam^S0FINTEAM|@finance-team>"):
            answer = await told(stage, user, words)
            assert "Daniel Kim" in answer
            assert "admin" in answer
        assert stage.services.channels.allowed == set()
        assert stage.services.members.agreed == {}


async def test_a_group_gets_a_role_and_loses_it() -> None:
    async with staged() as stage:
        group = "<!subteam^S0FINTEAM|@finance-team>"
        answer = await told(stage, "U0DANIEL", f"members group refresher {group}")
        assert "finance-team" in answer
        assert "within a minute" in answer
        assert stage.services.members.agreed["S0FINTEAM"].role is Role.REFRESHER
        listed = await told(stage, "U0DANIEL", "members")
        assert "S0FINTEAM" in listed
        assert "subteam" not in listed
        assert "already" in await told(stage, "U0DANIEL", f"members group refresher {group}")
        assert "no role any more" in await told(stage, "U0DANIEL", f"members group none {group}")
        assert stage.services.members.agreed == {}


@pytest.mark.parametrize(
    "words",
    ["group", "group refresher", "group refresher @finance-team", "group boss <!subteam^S0FINTEAM>",
     "group refresher <!subteam^S0FINTEAM> and more", "group refresher <!subteam^T0TEMERITY>", "group refresher <@U0MAYA>"],
)  # fmt: skip
async def test_what_is_not_understood_changes_nothing(words: str) -> None:
    async with staged() as stage:
        assert "Write it as" in await told(stage, "U0DANIEL", f"members {words}")
        assert stage.services.members.agreed == {}


async def test_a_group_is_never_admin() -> None:
    async with staged() as stage:
        assert "cannot make admins" in await told(stage, "U0DANIEL", "members group admin <!subteam^S0FINTEAM|x>")
        assert stage.services.members.agreed == {}
