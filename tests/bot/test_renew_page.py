"""The page to which Amazon sends a seller: opening it does nothing, and it carries on what Amazon said, and that alone."""

from dataclasses import replace
from urllib.parse import urlencode

import pytest

from storage.facts.secret import Secret
from tests.bot.page_stage import VIEW, built, form
from tests.bot.test_pages import MARKUP, structure
from tests.connectors.amazon.test_login import QUERY
from tests.connectors.consents import replaced

PATH = "/connect/amazon/renew"


async def test_opening_it_does_nothing_and_pressing_goes_to_slack() -> None:
    site = built()
    async with site.browser(known=False) as client:
        shown = await client.get(PATH, params=dict(QUERY))
        assert (shown.status_code, site.effects) == (200, [])
        assert "A2TEMERITYUS01" in shown.text
        assert "tidings_browser" in shown.headers["set-cookie"]
    async with site.browser() as client:
        sent = form() | dict(QUERY) | {"version": "beta", "redirect_uri": "https://evil.example"}
        answer = await client.post(PATH, data=sent)
        assert "https://shop.example/authorize" in answer.text
        assert site.flows.queries == [[*QUERY, ("version", "beta")]]
        foreign = await client.post(PATH, data=form(Secret("c" * 43)) | dict(QUERY))
        assert foreign.status_code == 403
    assert site.effects == ["renew"]


async def test_without_sign_in_it_says_where_to_start() -> None:
    async with built(replace(VIEW, can_sign_in=False)).browser() as client:
        shown = (await client.get(PATH, params=dict(QUERY))).text
    assert "/data reconnect amazon" in shown
    assert "<button" not in shown


@pytest.mark.parametrize("query", [[], replaced(QUERY, amazon_callback_uri="https://evil.example/apps/authorize/x")])
async def test_what_is_not_amazons_is_refused_with_a_next_step(query: list[tuple[str, str]]) -> None:
    async with built().browser() as client:
        answer = await client.get(f"{PATH}?{urlencode(query)}")
    assert answer.status_code == 409
    assert "/data reconnect amazon" in answer.text
    assert "evil" not in answer.text


async def test_what_amazon_sends_stays_text() -> None:
    async with built().browser() as client:
        plain = (await client.get(PATH, params=dict(QUERY))).text
        for text in (text for text in MARKUP if text.isascii()):
            shown = await client.get(PATH, params=dict(replaced(QUERY, amazon_state=text)))
            assert shown.status_code == 200
            assert structure(shown.text) == structure(plain)
