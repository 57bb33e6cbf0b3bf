"""`/data webhooks`, as admins type it: what each form of words does, and that nobody else does anything with it."""

import pytest

from tests.bot.stage import staged
from tests.bot.test_channel_words import told

DOES = {
    "webhooks add https://hooks.example.com/x": ("add", "https://hooks.example.com/x"),
    # Slack writes what looks like an address as a link.
    "webhooks add <https://hooks.example.com/x>": ("add", "https://hooks.example.com/x"),
    "webhooks hook_1": ("one", "hook_1"),
    "webhooks hook_1 test": ("test", "hook_1"),
    "webhooks hook_1 secret": ("renew", "hook_1"),
    "webhooks hook_1 remove": ("remove", "hook_1"),
    "webhooks hook_1 replay 24h": ("replay", "hook_1", "24"),
}


async def test_each_form_of_words_does_one_thing() -> None:
    async with staged() as stage:
        asked = stage.services.outgoing.asked
        for words, does in DOES.items():
            asked.clear()
            await told(stage, "U0DANIEL", words)
            assert [one[: len(does)] for one in asked] == [does], words
        asked.clear()
        assert "hook_1" in await told(stage, "U0DANIEL", "webhooks")
        for words in ("webhooks hook_1 replay", "webhooks hook_1 replay 0h", "webhooks hook_1 drop", "webhooks x"):
            assert "means nothing here" in await told(stage, "U0DANIEL", words), words
        assert asked == []
        assert "nothing here by that name" in await told(stage, "U0DANIEL", "webhooks hook_2 test")


@pytest.mark.parametrize("user", ["U0MAYA", "U0PRIYA"])
async def test_only_admins_see_or_change_anything(user: str) -> None:
    async with staged() as stage:
        for words in ("webhooks", *DOES):
            assert "admin" in await told(stage, user, words)
        assert stage.services.outgoing.asked == []
