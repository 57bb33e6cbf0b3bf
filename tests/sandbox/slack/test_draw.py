"""Drawing: formats, times in the viewer's zone, and names that try to be markup."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

from sandbox.web.draw import DrawContext, draw, mrkdwn, undrawable
from sandbox.web.draw.blocks import Pen, environment
from sandbox.web.draw.markdown import markdown

from .conftest import button, modal, option, plain, section, text_input

NOW = datetime(2026, 11, 21, 19, 41, tzinfo=UTC)
CONTEXT = DrawContext(people={"U0MAYA": "Maya <b>"}, channels={"C0FINANCE": "finance"}, now=NOW)
HOSTILE = '<script>alert("x")</script> & <img src=x onerror=y>'


@pytest.mark.parametrize(
    "text,drawn",
    [
        ("*bold* and _soft_ and ~gone~", "<strong>bold</strong> and <em>soft</em> and <s>gone</s>"),
        ("2*3*4 snake_case_name", "2*3*4 snake_case_name"),
        ("`*code*`", "<code>*code*</code>"),
        ("a\nb", "a<br>b"),
        ("> said\nthen", "<blockquote>said</blockquote>then"),
        ("Fish &amp; &lt;Chips&gt;", "Fish &amp; &lt;Chips&gt;"),
        ("<@U0MAYA>", '<span class="mention">@Maya &lt;b&gt;</span>'),
        ("<#C0FINANCE>", '<span class="mention">#finance</span>'),
        ("<!here>", '<span class="mention ping">@here</span>'),
        (":white_check_mark: :unknown_one:", "✅ :unknown_one:"),
        ("*<https://x.example/?a=1&amp;b=2|words>*", '<strong><a href="https://x.example/?a=1&amp;b=2" rel="noreferrer noopener" target="_blank">words</a></strong>'),
        ("```\n*pre*\n```", "<pre>*pre*</pre>"),
    ],
)  # fmt: skip
def test_mrkdwn(text, drawn):
    assert str(mrkdwn(text, CONTEXT)) == drawn


@pytest.mark.parametrize(
    "form,zone,words",
    [
        ("{date_short_pretty} at {time}", "America/New_York", "Today at 2:37 PM"),
        ("as of {date_pretty} {time}", "Asia/Kolkata", "as of today 1:07 AM"),
        ("{date_num} {time_secs}", "UTC", "2026-11-21 7:37:00 PM"),
        ("{date}", "Europe/London", "November 21st, 2026"),
        ("{date_long}", "Europe/London", "Saturday, November 21st, 2026"),
        ("{ago}", "UTC", "4 minutes ago"),
    ],
)
def test_dates_are_in_the_zone_of_the_viewer(form, zone, words):
    at = int(datetime(2026, 11, 21, 19, 37, tzinfo=UTC).timestamp())
    context = replace(CONTEXT, zone=ZoneInfo(zone))
    assert words in str(mrkdwn(f"<!date^{at}^{form}|fallback>", context))


def everything(text):
    """Blocks of every kind that is drawn, with one text in every place that takes words."""
    mark = {"type": "mrkdwn", "text": text}
    rich = {"type": "rich_text", "elements": [
        {"type": "rich_text_section", "elements": [{"type": "text", "text": text, "style": {"bold": True}},
                                                   {"type": "link", "url": "javascript:alert(1)", "text": text}]},
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}]}  # fmt: skip
    confirm = {"title": plain(text), "text": mark, "confirm": plain(text), "deny": plain(text)}
    choices = [option(text, text), {**option("v", text), "description": plain(text)}]
    return [
        {"type": "header", "text": plain(text)},
        {"type": "section", "text": mark, "fields": [mark, plain(text)], "accessory": button(text, text, confirm=confirm, text=plain(text))},
        {"type": "context", "elements": [mark, plain(text)]},
        {"type": "actions", "elements": [
            button("u", text, url="javascript:alert(1)", text=plain(text), accessibility_label=text),
            {"type": "overflow", "action_id": "o", "options": choices},
            {"type": "static_select", "action_id": "s", "options": choices, "placeholder": plain(text)},
            {"type": "radio_buttons", "action_id": "r", "options": choices},
            {"type": "checkboxes", "action_id": "c", "options": choices}]},
        {"type": "table", "rows": [[{"type": "raw_text", "text": text}], [rich]]},
        {"type": "data_table", "caption": text, "rows": [[{"type": "raw_text", "text": text}], [{"type": "raw_number", "value": 1, "text": text}]]},
        rich,
        {"type": "markdown", "text": f"# {text}\n\n- {text}\n\n[{text}](javascript:alert(1)) **{text}**\n\n| {text} |\n|---|\n| {text} |"},
        {"type": "plan", "title": text, "tasks": [{"type": "task_card", "task_id": "1", "title": text, "status": "error", "details": rich}]},
        {"type": "alert", "text": mark, "level": "error"},
        {**text_input(multiline=True, placeholder=plain(text)), "hint": plain(text), "label": plain(text)},
        {"type": "input", "block_id": "m", "label": plain(text), "element": {"type": "email_text_input", "action_id": "m"}},
        {"type": "divider"},
    ]  # fmt: skip


def test_all_that_tidings_sends_is_drawn():
    assert undrawable(everything("words"), "message") == []
    assert undrawable(modal(text_input())["blocks"], "modal") == []


def test_what_is_not_known_is_red_and_named():
    blocks = [{"type": "carousel"}, section(accessory={"type": "image", "image_url": "x", "alt_text": "y"})]
    assert undrawable(blocks, "message") == ["cannot draw carousel", "cannot draw image"]
    assert str(draw(blocks, CONTEXT)).count('class="undrawn"') == 2


@pytest.mark.parametrize("text", [HOSTILE, "\ue0000\ue001", '"><svg onload=x>', "*<b>*", "`<i>`", "<javascript:x|y>"])
def test_hostile_words_stay_words(text):
    context = replace(CONTEXT, errors={"b": text}, filled={"b": text}, where={"ts": text}, action="/x")
    html = str(draw(everything(text), context))
    for evil in ("<script", "<img", "<svg", "<b>", "<i>", 'href="javascript'):
        assert evil not in html, evil


def test_the_hostile_check_catches_a_drawing_that_does_not_escape():
    """The twin: the same templates with escaping switched off."""
    careless = Environment(loader=environment().loader, autoescape=False)
    macros: Any = careless.get_template("blocks.html.j2").module
    html = "".join(macros.block(block, Pen(CONTEXT)) for block in everything(HOSTILE))
    assert "<script" in html


@given(st.text(max_size=200))
def test_no_text_makes_a_tag_of_its_own(text):
    allowed = {"strong", "em", "s", "code", "pre", "br", "blockquote", "span", "time", "a", "p", "ul", "ol", "li",
               "table", "thead", "tbody", "tr", "th", "td", "div", "h3", "h4", "h5", "h6"}  # fmt: skip
    for html in (str(mrkdwn(text, CONTEXT)), str(markdown(text))):
        for piece in html.split("<")[1:]:
            name = piece.lstrip("/").split(">")[0].split(" ")[0]
            assert name in allowed, html
