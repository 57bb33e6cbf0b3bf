"""The page of our own form: what was typed wrong comes back to be corrected, what was typed unseen does not."""

import re
from dataclasses import replace
from html import unescape
from importlib.resources import files

import httpx
import pytest

from bot.pages.browser import Browsers
from connectors.grants import FormAnswer, RowAnswer
from connectors.netsuite.grant import NetSuiteGrants
from connectors.pocketadvantage.grant import PocketAdvantageGrants
from storage.facts.flows import FlowState
from storage.facts.secret import Secret
from tests.bot.page_stage import BROWSER, KEY, LINK, VIEW, built, form

ASKS = replace(VIEW, state=FlowState.PROVEN, form=NetSuiteGrants.form, rows=NetSuiteGrants.rows)
_KEPT = re.compile(r'name="kept" value="([^"]+)"')
#: A browser sends what is empty and what is out of sight as well.
EMPTY = {one.name: one.choices[0].value if one.choices else "" for one in NetSuiteGrants.form}
TYPED = EMPTY | {
    "bucket": "deliveries",
    "feeds": "</textarea><b>",
    "secret": "s3cret-key",
    "feed.0.name": "gl",
    "service_account": "s3cret-file",
}


async def test_a_form_is_drawn_sent_and_drawn_again() -> None:
    site = built(ASKS)
    async with site.browser() as client:
        drawn = await client.get(f"/connect/l/{LINK}")
        assert 'name="bucket"' in drawn.text
        assert 'type="password"' in drawn.text
        assert (
            drawn.text.index("<h2>Mailbox</h2>") < drawn.text.index('name="user"') < drawn.text.index("<h2>Bucket</h2>")
        )
        assert drawn.text.count("<h2>") == len({one.group for one in NetSuiteGrants.form if one.group})
        site.flows.refusing = "The bucket <refuses> this key."
        again = await client.post(f"/connect/l/{LINK}/form", data=form(BROWSER, state="forged", **TYPED))
        assert again.status_code == 200
        assert 'value="deliveries"' in again.text
        assert "&lt;refuses&gt;" in again.text
        assert "</textarea><b>" not in again.text
        assert "s3cret" not in again.text
        assert dict(site.flows.queries[-1]) == {
            "flow": "flw_1",
            **TYPED,
        }  # neither our mark nor a state of the browser's
        site.flows.refusing = ""
        # What was typed unseen is kept by the browser, sealed: it need not be typed again.
        kept = unescape(_KEPT.findall(again.text)[0])
        blank = TYPED | {"secret": "", "service_account": "other", "kept": kept}
        assert (await client.post(f"/connect/l/{LINK}/form", data=form(BROWSER, **blank))).status_code == 303
        sent = dict(site.flows.queries[-1])
        assert (sent["secret"], sent["service_account"]) == ("s3cret-key", "other")
        elsewhere = Browsers([KEY], secure=True).hold(BROWSER, "another link", '{"secret": "x"}')
        for spoilt in (elsewhere, kept[:-8], "x"):
            await client.post(f"/connect/l/{LINK}/form", data=form(BROWSER, **blank | {"kept": spoilt}))
            assert not dict(site.flows.queries[-1])["secret"]
        site.flows.queries.clear()
        taken = await client.post(f"/connect/l/{LINK}/form", data=form(BROWSER, **TYPED))
        assert (taken.status_code, taken.headers["location"]) == (303, "/connect/done")
        foreign = await client.post(f"/connect/l/{LINK}/form", data=TYPED)
        assert foreign.status_code == 403
        assert len(site.flows.queries) == 2  # tried, then taken


async def test_feeds_are_added_filled_in_tried_and_removed() -> None:
    site = built(ASKS)
    here = f"/connect/l/{LINK}/form"
    async with site.browser() as client:

        async def pressed(
            do: str, typed: dict[str, str] | None = None, files: dict[str, tuple[str, bytes]] | None = None
        ) -> httpx.Response:
            return await client.post(here, data=form(BROWSER, **TYPED | (typed or {}), do=do), files=files)

        drawn = await pressed("add")
        assert "<legend>Feed 1: gl</legend>" in drawn.text
        assert "<legend>Feed 2</legend>" in drawn.text
        assert "Remove this feed" in drawn.text
        two = {"feed.1.name": "items", "feed.1.pattern": "items*", "feed.2.name": "third"}
        drawn = await pressed("remove:1", two)
        assert 'value="items"' not in drawn.text
        assert "<legend>Feed 2: third</legend>" in drawn.text
        assert "at most 20" in (await pressed("add", {"feed.19.name": "x"})).text
        no_number = {f"feed.{'9' * 5000}.name": "x"}
        assert {(await pressed(do, no_number)).status_code for do in ("add", "remove:1")} == {200}
        assert site.effects == []
        shown = RowAnswer(good=True, lines=("3 files there.",), header=("account",), rows=(("<1000>",),))
        site.flows.answer = FormAnswer({0: shown}, {"feed.0.dates": "DD.MM.YYYY"})
        drawn = await pressed("sample:0", None, {"feed.0.sample": ("gl.csv", b"a;b")})
        assert site.flows.done == ["detect 0 gl.csv 3"]
        assert '<option value="DD.MM.YYYY" selected>' in drawn.text
        assert "<td>&lt;1000&gt;</td>" in drawn.text
        assert "choose a file first" in (await pressed("sample:0")).text
        await pressed("newest:0", {"feed.0.sample": "gl.csv"})
        assert site.flows.done[-1] == "detect 0 newest 0"
        assert "3 files there." in (await pressed("test")).text
        site.flows.answer = FormAnswer({0: RowAnswer(good=False, lines=("row 3 is no date",))})
        drawn = await pressed("go")
        assert drawn.status_code == 200
        assert "row 3 is no date" in drawn.text
        assert "Continue all the same" in drawn.text
        assert "fill" not in site.flows.done
        assert (await pressed("anyway")).status_code == 303
        assert site.flows.done[-1] == "fill"
        site.flows.refusing, site.flows.refused_at = "Feed 1 (gl), Key columns: name one.", "feed.0.key"
        assert re.search(r'name="feed.0.key"[^>]* aria-invalid', (await pressed("test")).text)
        large = {"feed.0.sample": ("gl.csv", b"x" * (5 << 20))}
        assert (await pressed("sample:0", None, large)).status_code == 413


async def test_the_largest_form_is_taken() -> None:
    """Every field of every block is sent, empty or not."""
    site = built(ASKS)
    blocks = {f"feed.{n}.{one.name}": "x" * 30 for n in range(20) for one in NetSuiteGrants.rows.fields}
    async with site.browser() as client:
        answer = await client.post(f"/connect/l/{LINK}/form", data=form(BROWSER, **TYPED | blocks, do="go"))
    assert answer.status_code == 303
    assert dict(site.flows.queries[-1])["feed.19.optional"] == "x" * 30


@pytest.mark.parametrize("do", ["add", "remove:0", "remove:" + "9" * 5000], ids=range(3))
@pytest.mark.parametrize("number", ["9" * 5000, "٣", "²", "-1", "", "99"], ids=range(6))
async def test_blocks_of_no_number_are_none(do: str, number: str) -> None:
    site = built(ASKS)
    async with site.browser() as client:
        sent = form(BROWSER, **TYPED, do=do) | {f"feed.{number}.name": "x"}
        assert (await client.post(f"/connect/l/{LINK}/form", data=sent)).status_code in {200, 303}


async def test_a_form_in_a_charset_of_no_letters_is_refused() -> None:
    site = built(ASKS)
    async with site.browser() as client:
        answer = await client.post(
            f"/connect/l/{LINK}/form",
            content=b'--b\r\nContent-Disposition: form-data; name="do"\r\n\r\nadd\r\n--b--\r\n',
            headers={"content-type": "multipart/form-data; boundary=b; charset=undefined"},
        )
    assert (answer.status_code, site.effects) == (403, [])


@pytest.mark.parametrize("state", [FlowState.LINKED, FlowState.RETURNED])
async def test_only_whoever_has_the_form_may_send_one(state: FlowState) -> None:
    site = built(replace(ASKS, state=state))
    async with site.browser() as client:
        answer = await client.post(f"/connect/l/{LINK}/form", data=form(BROWSER, **TYPED))
    assert (answer.status_code, site.effects) == (410, [])


def test_what_is_asked_only_for_some_choices_has_its_rule() -> None:
    style = (files("bot") / "pages/html/style.css").read_text()
    choices = {choice.value for one in NetSuiteGrants.form for choice in one.choices}
    for field in NetSuiteGrants.form:
        assert not (field.only and field.required), field.name  # nobody could send what is out of sight
        for value in field.only:
            assert value in choices
            assert f'option[value="{value}"]:checked' in style
            assert f".only-{value}" in style
    chosen = {choice.value for one in NetSuiteGrants.rows.fields for choice in one.choices}
    for field in NetSuiteGrants.rows.fields:
        assert not field.required, field.name  # a block may be left empty
        for value in field.only:
            assert value in chosen
            assert f".only-{value}" in style


class Anywhere(Browsers):
    """The twin: what a form carries is good for every link."""

    def hold(self, browser: Secret, what: str, text: str) -> str:
        _ = what
        return super().hold(browser, "", text)

    def held(self, browser: Secret, what: str, sealed: str) -> str | None:
        _ = what
        return super().held(browser, "", sealed)


@pytest.mark.parametrize("kind", [Browsers, Anywhere])
def test_what_a_form_carries_is_good_for_its_own_link_and_browser_alone(kind: type[Browsers]) -> None:
    browsers = kind([KEY], secure=True)
    sealed = browsers.hold(BROWSER, LINK, '{"secret": "s3cret-key"}')
    assert "s3cret" not in sealed
    assert browsers.held(BROWSER, LINK, sealed) == '{"secret": "s3cret-key"}'
    assert browsers.held(Secret("c" * 43), LINK, sealed) is None
    assert (browsers.held(BROWSER, "m" * 43, sealed) is None) == (kind is Browsers)


EXCHANGE = replace(VIEW, state=FlowState.PROVEN, form=PocketAdvantageGrants.form, tests=PocketAdvantageGrants.tests)


async def test_parts_of_a_form_are_tried_by_buttons_of_their_own() -> None:
    site = built(EXCHANGE)
    here = f"/connect/l/{LINK}/form"
    typed = {one.name: one.choices[0].value if one.choices else "" for one in EXCHANGE.form}
    typed |= {"host": "files.example.com", "password": "s3cret", "private_key": "s3cret-key", "folder": "a<b"}
    async with site.browser() as client:
        drawn = (await client.get(f"/connect/l/{LINK}")).text
        groups = (
            "<h2>File server</h2>",
            'value="part:host_key"',
            'value="part:files"',
            "<h2>Files</h2>",
            "<h2>Orders</h2>",
        )
        found = [drawn.index(one) for one in (*groups, 'value="part:orders"', 'value="go"')]
        assert found == sorted(found)
        assert drawn.count('value="part:') == len(EXCHANGE.tests)
        site.flows.answer = FormAnswer(
            {},
            typed={"host_key": "ssh-ed25519 AAAA"},
            parts={"host_key": RowAnswer(good=True, lines=("A <b>fingerprint</b>.",))},
        )
        asked = await client.post(here, data=form(BROWSER, **typed, do="part:host_key"))
        assert "try_part host_key" in site.flows.done
        assert "ssh-ed25519 AAAA</textarea>" in asked.text
        assert "A &lt;b&gt;fingerprint&lt;/b&gt;." in asked.text
        assert 'value="a&lt;b"' in asked.text
        # What was typed unseen is carried sealed, a key of several lines, too.
        assert "s3cret" not in asked.text
        assert asked.text.count("kept; ") == 2
        kept = unescape(_KEPT.findall(asked.text)[0])
        site.flows.refusing, site.flows.refused_at = "File server: it refuses this account.", "account"
        blank = typed | {"password": "", "private_key": "", "kept": kept}
        again = await client.post(here, data=form(BROWSER, **blank, do="part:files"))
        assert dict(site.flows.queries[-1])["private_key"] == "s3cret-key"
        assert "it refuses this account." in again.text
        assert re.search(r'id="account"[^>]* aria-invalid="true"', again.text)
