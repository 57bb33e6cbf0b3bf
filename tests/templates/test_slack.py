"""What the Slack renderer does with ordinary messages: ids, ladders, cuts, neutral text."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from bot.cli.samples.facts import NOW
from storage.facts import messages as m
from templates import slack
from templates.slack import Rung, TooLong, action_name
from tests.templates import nasty


def text_of(*parts: m.Inline, **reader: Any):
    shown = slack.render(m.Message("x", (m.Paragraph(parts),)), **reader)
    return shown["blocks"][0]["text"]["text"]


@pytest.mark.parametrize(
    "outside,shown",
    [
        ("Smith & Sons", "Smith &amp; Sons"),
        ("<!channel>", "&lt;!channel&gt;"),
        ("*bold* ~gone~ `code`", "∗bold∗ ∼gone∼ ˋcodeˋ"),
        ("_it_ quickbooks_123 a_b", "＿it＿ quickbooks_123 a_b"),
        (":skull: 14:37:00", "∶skull: 14:37:00"),
        ("> quote", "› quote"),
        ("one\r\ntwo\u2028three", "one two three"),
        ("\u202eevil\u202c", "evil"),
        ("a" + "\u0301" * 40, "a" + "\u0301" * 4),
        ("\ud800", "\ufffd"),
    ],
)
def test_outside_text_is_only_text(outside, shown):
    assert text_of(outside) == shown


@settings(max_examples=150, deadline=None)
@given(nasty.outside)
def test_nothing_outside_starts_a_format(outside):
    shown = slack.render(m.Message("x", (m.Paragraph(("x ", outside)),)))["blocks"][0]["text"]["text"]
    assert not set(shown) & set("*~`\n\u202e\u2066\x00")
    assert not re.search(r"(?<![^\W_])_|_(?![^\W_])", shown)
    assert not re.search(r":(?!\d+:)[\w+'-]{1,100}:", shown)


def test_strong_and_code_are_marked_where_slack_sees_the_marks():
    assert text_of("a ", m.Strong("b*c"), " d") == "a *b∗c* d"
    assert text_of("a", m.Strong("b"), "c") == "a\u200b*b*\u200bc"
    assert text_of(m.Strong("Done. "), "Next") == "*Done.* Next"
    assert text_of(m.Code("/data `x`")) == "`/data 'x'`"
    assert text_of("a", m.Strong("  ")) == "a"


def test_a_person_is_mentioned_in_their_own_workspace_only():
    maya = m.Person("Maya <!here>", "T1", "U0MAYA")
    assert text_of(maya, team_id="T1") == "<@U0MAYA>"
    assert text_of(maya, team_id="T2") == "Maya &lt;!here&gt;"
    assert text_of(maya) == "Maya &lt;!here&gt;"
    assert text_of(m.Person("Eve", "T1", "U1> <!channel"), team_id="T1") == "Eve"


def test_links_are_ours_or_refused():
    assert text_of(m.Link("https://tidings.example/a|b", "go")) == "<https://tidings.example/a%7Cb|go>"
    for url in ("javascript:alert(1)", "//evil.example", "https://tidings.example/\n", "https://x/ y", "https://x/é"):
        with pytest.raises(ValueError, match="not a link of ours"):
            text_of(m.Link(url, "go"))


def test_ids_too_long_are_refused_and_never_cut():
    with pytest.raises(TooLong):
        slack.render(m.Message("x", (m.Buttons((m.Button("Go", "refresh_ask", "i" * 2001),)),)))
    with pytest.raises(TooLong):
        slack.modal(m.Form("c", "T", "Send", private="p" * 3001))
    with pytest.raises(TooLong):
        slack.modal(m.Form("c", "T", "Send", inputs=(m.Choice("which", "Which", (("v" * 151, "x"),)),)))
    with pytest.raises(TooLong):
        slack.modal(m.Form("c", "T", "Send", inputs=(m.Choice("which", "Which", ()),)))


def test_action_ids_are_unique_and_lead_back_to_the_action():
    pressed = m.Buttons(tuple(m.Button("Go", "refresh_ask", str(n)) for n in range(3)))
    shown = slack.render(m.Message("x", (pressed, pressed)))
    ids = [element["action_id"] for block in shown["blocks"] for element in block["elements"]]
    assert ids[:3] == ["refresh_ask", "refresh_ask:2", "refresh_ask:3"]
    assert len(set(ids)) == 6
    assert {action_name(name) for name in ids} == {"refresh_ask"}


def test_block_ids_are_the_same_for_the_same_revision_and_new_for_the_next():
    message = m.Message("x", (m.Heading("h"), m.Paragraph(("p",))), kind="refresh_card")

    def ids(revision):
        return [block["block_id"] for block in slack.render(message, revision=revision)["blocks"]]

    assert ids(3) == ids(3) == ["refresh_card.3.0", "refresh_card.3.1"]
    assert not set(ids(3)) & set(ids(4))


def test_the_ladder_goes_down_to_text():
    table = m.Table("Rows", ("Source", "As of", "New"), ((("Shopify",), (m.When(NOW),), ("1,204",)),), frozenset({2}))
    message = m.Message("x", (table,))
    sortable = m.Message("x", (replace(table, sortable=True),))
    newest = slack.render(sortable, rung=Rung.DATA_TABLE)["blocks"]
    assert [block["type"] for block in newest] == ["data_table"]
    assert newest[0]["rows"][1][2] == {"type": "raw_number", "value": 1204, "text": "1,204"}
    plain = slack.render(message)["blocks"]
    assert [block["type"] for block in plain] == ["section", "table"]
    assert plain[1]["column_settings"][2] == {"align": "right", "is_wrapped": False}
    assert plain[1]["rows"][1][1]["elements"][0]["elements"][0]["timestamp"] == 1795290060
    fields = slack.render(message, rung=Rung.FIELDS)["blocks"]
    assert fields[1]["fields"][2]["text"] == "*New*\n1,204"
    text = slack.render(message, rung=Rung.TEXT)["blocks"]
    assert text[1]["text"]["text"].startswith("• Shopify · As of: <!date^")
    assert [rung.next() for rung in Rung] == [*list(Rung)[1:], None]


def test_empty_cells_and_short_rows_are_dashes():
    rows = slack.render(m.Message("x", (m.Table("T", ("A", "B"), (((), ()), (("x",),))),)))["blocks"][1]["rows"]
    assert [[cell["text"] for cell in row] for row in rows] == [["A", "B"], ["–", "–"], ["x", "–"]]


def test_a_second_table_is_drawn_as_fields():
    table = m.Table("T", ("A", "B"), ((("x",), ("y",)),))
    kinds = [block["type"] for block in slack.render(m.Message("x", (table, table)))["blocks"]]
    assert kinds == ["section", "table", "section", "section"]


def test_long_lists_say_how_much_is_missing():
    rows = tuple(((f"Store {n}",), ("x" * 150,)) for n in range(150))
    steps = tuple(m.Step(f"Store {n}", m.StepState.DONE, ("y" * 90,)) for n in range(300))
    message = m.Message(
        "x", (m.Table("T", ("A", "B"), rows), m.Steps(steps), m.Buttons((m.Button("Go", "refresh_ask"),)))
    )
    blocks = slack.render(message)["blocks"]
    told = [block["elements"][0]["text"] for block in blocks if block["type"] == "context"]
    shown = len(blocks[1]["rows"]) - 1
    assert told[0] == f"… {150 - shown} more rows"
    assert "more steps" in told[1]
    assert blocks[-1]["type"] == "actions", "the one next step is never pushed out"


def test_a_cut_never_falls_into_a_token_or_an_entity():
    for length in range(2960, 3002):
        text = text_of("&" * 500 + "x" * (length - 2500), m.When(NOW), " after")
        assert len(text) <= 3000
        assert text.count("<!date") == text.count("EST>") + text.count("UTC>")
        assert text.replace("&amp;", "").count("&") == 0
        assert text.endswith(("…", "after"))


def test_a_modal_has_no_tables_and_keeps_its_answers_by_name():
    table = m.Table("T", ("A", "B"), ((("x",), ("y",)),))
    choice = m.Choice("which", "Which?", (("all", "All"), ("stale", "Only what is not fresh")), "stale")
    note = m.TextInput("note", "Note", hint="Optional", optional=True)
    view = slack.modal(m.Form("refresh", "Refresh everything that is late", "Start", (table,), (choice, note), "rfr_1"))
    assert [block["type"] for block in view["blocks"]] == ["section", "section", "input", "input"]
    assert view["title"]["text"] == "Refresh everything that…"
    assert view["blocks"][2]["block_id"] == view["blocks"][2]["element"]["action_id"] == "which"
    assert view["blocks"][2]["element"]["initial_option"]["value"] == "stale"


def test_home_is_the_messages_one_under_the_other():
    view = slack.home([m.Message("a", (m.Heading("A"),)), m.Message("b", (m.Heading("B"),))], revision=2)
    assert view["type"] == "home"
    assert [block["type"] for block in view["blocks"]] == ["header", "divider", "header"]
