"""The page behind the link in a mail: looking turns nothing off, a press does, whoever presses and however often."""

import pytest
from starlette.routing import Route

from bot.pages.mail_off import MailOffPages
from jobs.subscriptions.links import PATH
from jobs.subscriptions.mail_off import MailOff
from tests.bot.page_stage import TICKET, TwinOffs, built

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


class TurnsOffWhenLookedAt(TwinOffs):
    """The bug: mail programs and virus scanners open every link."""

    async def look(self, ticket: str) -> MailOff | None:
        found = await super().look(ticket)
        if found is not None:
            self.done.append("mail_off")
        return found


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_changes_nothing(method: str) -> None:
    site = built()
    async with site.browser(known=False) as client:
        for _ in range(3):
            shown = await client.request(method, PATH, params={"ticket": TICKET})
            assert shown.status_code == 200
        assert site.effects == []
        assert shown.headers["cache-control"] == "no-store"
        assert shown.headers["referrer-policy"] == "no-referrer"
        assert "set-cookie" not in shown.headers
    offs = TurnsOffWhenLookedAt()
    (look, _) = MailOffPages(offs).routes()
    assert isinstance(look, Route)
    twin = built()
    for route in twin.routes:
        if route.path == PATH and route.methods and "GET" in route.methods:
            route.endpoint, route.app = look.endpoint, look.app
    async with twin.browser(known=False) as client:
        await client.request(method, PATH, params={"ticket": TICKET})
    assert offs.done == ["mail_off"]


async def test_a_mail_program_presses_without_a_page_and_a_person_with_one() -> None:
    site = built()
    async with site.browser(known=False) as client:
        page = (await client.get(PATH, params={"ticket": TICKET})).text
        assert f'action="{PATH}?ticket={TICKET}"' in page
        assert "data is late" in page
        pressed = await client.post(PATH, params={"ticket": TICKET}, data=ONE_CLICK)
        assert (pressed.status_code, site.effects) == (200, ["mail_off"])
        assert "No more mail when data is late" in pressed.text
        assert "used before" in (await client.get(PATH, params={"ticket": TICKET})).text


@pytest.mark.parametrize(
    "query", ["", "ticket=", f"ticket={TICKET}x", f"ticket={TICKET}&ticket={TICKET}", f"ticket={'x' * 9000}"]
)
async def test_what_is_no_link_does_nothing_and_says_where_to_choose(query: str) -> None:
    site = built()
    async with site.browser(known=False) as client:
        for method in ("GET", "POST"):
            answer = await client.request(method, f"{PATH}?{query}")
            assert answer.status_code == 410
            assert "/data notify" in answer.text
    assert site.effects == []


async def test_trouble_is_said_in_words() -> None:
    site = built(error=RuntimeError("secret words"))
    async with site.browser(known=False) as client:
        answer = await client.post(PATH, params={"ticket": TICKET})
    assert answer.status_code == 500
    assert "secret words" not in answer.text
    assert "/data notify" in answer.text
