"""`/data exchange desktop`, as admins type it: what each form of words does, and that nobody else does anything."""

import pytest

from tests.bot.stage import staged
from tests.bot.test_channel_words import told

DOES = {
    "exchange desktop new": ("new",),
    "exchange desktop qbd_0 password": ("renew", "qbd_0"),
    "exchange desktop qbd_0 file": ("link", "qbd_0"),
    "Exchange  Desktop  QBD_0  company": ("agree", "qbd_0"),
    "exchange desktop qbd_0 remove": ("withdraw", "qbd_0"),
}


async def test_each_form_of_words_does_one_thing() -> None:
    async with staged() as stage:
        twin = stage.services.desktops
        assert "No QuickBooks Desktop takes orders" in await told(stage, "U0DANIEL", "exchange desktop")
        said = {words: await told(stage, "U0DANIEL", words) for words in list(DOES)[:-1]}
        assert twin.asked == list(DOES.values())[:-1]
        assert "shown-only-now" in said["exchange desktop new"]
        assert "shown-again" in said["exchange desktop qbd_0 password"]
        assert "shown-" not in said["exchange desktop qbd_0 file"]
        listed = await told(stage, "U0DANIEL", "exchange desktop")
        assert "Nothing is written: another company file was open" in listed
        assert "shown-" not in listed
        assert "registered already" in await told(stage, "U0DANIEL", "exchange desktop new")
        await told(stage, "U0DANIEL", "exchange desktop new Temerity-02")
        assert twin.asked[-1] == ("new", "temerity-02")
        assert "takes no more orders" in await told(stage, "U0DANIEL", list(DOES)[-1])
        twin.asked.clear()
        assert "no such QuickBooks Desktop" in await told(stage, "U0DANIEL", list(DOES)[-1])
        for words in ("exchange desktop dance", "exchange desktop qbd_0", "exchange desktop qbd_0 drop"):
            assert "means nothing here" in await told(stage, "U0DANIEL", words), words
        assert twin.asked == [("withdraw", "qbd_0")]


@pytest.mark.parametrize("user", ["U0MAYA", "U0PRIYA"])
async def test_only_admins_see_or_change_anything(user: str) -> None:
    async with staged() as stage:
        for words in ("exchange desktop", "exchange desktop dance", *DOES):
            assert "admin" in await told(stage, user, words), words
        assert stage.services.desktops.asked == []
        assert stage.services.desktops.known == {}
