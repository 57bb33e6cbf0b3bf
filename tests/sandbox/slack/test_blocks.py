"""What Slack would refuse is refused; the cases are tried against a check that lacks them, too."""

from typing import Any

import pytest

from sandbox.slack import check
from sandbox.slack.errors import Refusal
from sandbox.slack.limits import MESSAGE_CHARACTERS

from .conftest import button, modal, option, plain, section, text_input


def actions(*elements: Any, **more: Any):
    return {"type": "actions", "elements": list(elements), **more}


def cells(*texts: str):
    return [{"type": "raw_text", "text": text} for text in texts]


def select(**more: Any):
    return {"type": "static_select", "action_id": "s", "options": [option()], **more}


CONFIRM = {"title": plain("Sure?"), "text": plain("Really"), "confirm": plain("Yes"), "deny": plain("No")}
RICH = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}]}

GOOD = {
    "section": [section()],
    "fields": [{"type": "section", "fields": [plain("a"), plain("b")]}],
    "tokens": [
        section("<@U0MAYA> <#C0FINANCE> <!date^1700000000^{date_pretty} at {time}|then> <https://x.example|y> &lt;")
    ],
    "header": [{"type": "header", "text": plain("Title")}],
    "divider": [{"type": "divider"}],
    "context": [{"type": "context", "elements": [plain("x"), {"type": "mrkdwn", "text": "y"}]}],
    "buttons": [actions(button(style="primary"), button("b", confirm=CONFIRM))],
    "overflow": [section(accessory={"type": "overflow", "action_id": "o", "options": [option()]})],
    "select": [actions(select(placeholder=plain("Which?"), initial_option=option()))],
    "table": [{"type": "table", "rows": [cells("a", "b"), cells("c", "d")], "column_settings": [{"align": "right"}]}],
    "data_table": [{"type": "data_table", "caption": "c", "rows": [cells("a"), cells("b")], "page_size": 5}],
    "rich_text": [RICH],
    "markdown": [{"type": "markdown", "text": "# T"}],
    "plan": [
        {
            "type": "plan",
            "title": "P",
            "tasks": [{"type": "task_card", "task_id": "1", "title": "t", "status": "pending"}],
        }
    ],
    "task": [{"type": "task_card", "task_id": "1", "title": "t", "status": "complete", "details": RICH}],
    "50": [section(str(n)) for n in range(50)],
}
BAD = {
    "unknown type": ([{"type": "sektion"}], "unsupported type: sektion"),
    "unknown key": ([section(colour="red")], "invalid additional property: colour"),
    "modal only": ([{"type": "alert", "text": plain("x")}], "unsupported type: alert"),
    "text 3001": ([section("x" * 3001)], "must be less than 3001 characters"),
    "empty text": ([section(" ")], "must be more than 0 characters"),
    "section without words": ([{"type": "section"}], "missing required field"),
    "11 fields": ([{"type": "section", "fields": [plain(str(n)) for n in range(11)]}], "no more than 10 items"),
    "field 2001": ([{"type": "section", "fields": [plain("x" * 2001)]}], "must be less than 2001"),
    "header 151": ([{"type": "header", "text": plain("x" * 151)}], "must be less than 151"),
    "header mrkdwn": ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "unsupported type: mrkdwn"),
    "button mrkdwn": ([actions(button(text={"type": "mrkdwn", "text": "x"}))], "unsupported type: mrkdwn"),
    "button 76": ([actions(button(text=plain("x" * 76)))], "must be less than 76"),
    "value 2001": ([actions(button(value="x" * 2001))], "must be less than 2001"),
    "style": ([actions(button(style="green"))], "must be one of primary, danger"),
    "confirm 301": ([actions(button(confirm={**CONFIRM, "text": plain("x" * 301)}))], "must be less than 301"),
    "26 elements": ([actions(*(button(str(n)) for n in range(26)))], "no more than 25 items"),
    "6 overflow": ([section(accessory={"type": "overflow", "action_id": "o", "options": [option(str(n)) for n in range(6)]})], "no more than 5 items"),
    "101 options": ([actions(select(options=[option(str(n)) for n in range(101)]))], "no more than 100 items"),
    "option 76": ([actions(select(options=[option(text="x" * 76)]))], "must be less than 76"),
    "option value 151": ([actions(select(options=[option("x" * 151)]))], "must be less than 151"),
    "initial": ([actions(select(initial_option=option("other")))], "initial option must be one of the options"),
    "11 boxes": ([actions({"type": "checkboxes", "action_id": "c", "options": [option(str(n)) for n in range(11)]})], "no more than 10 items"),
    "11 context": ([{"type": "context", "elements": [plain("x")] * 11}], "no more than 10 items"),
    "action_id 256": ([actions(button("x" * 256))], "must be less than 256"),
    "same action_id": ([actions(button("a"), button("a"))], "`action_id` must be unique: a"),
    "same block_id": ([section(block_id="b"), section(block_id="b")], "`block_id` must be unique: b"),
    "101 rows": ([{"type": "table", "rows": [cells("a")] * 101}], "no more than 100 items"),
    "21 columns": ([{"type": "table", "rows": [cells(*"x" * 21)]}], "no more than 20 items"),
    "ragged": ([{"type": "table", "rows": [cells("a"), cells("a", "b")]}], "same number of cells"),
    "empty cell": ([{"type": "table", "rows": [cells("")]}], "must be more than 0 characters"),
    "number without text": ([{"type": "table", "rows": [[{"type": "raw_number", "value": 1}]]}], "missing required field: text"),
    "big table": ([{"type": "table", "rows": [cells("x" * 2600)] * 4}], "no more than 10000 characters"),
    "two tables": ([{"type": "table", "rows": [cells("a")]}, {"type": "table", "rows": [cells("b")]}], "no more than 1 table"),
    "no caption": ([{"type": "data_table", "rows": [cells("a"), cells("b")]}], "missing required field: caption"),
    "one row": ([{"type": "data_table", "caption": "c", "rows": [cells("a")]}], "no less than 2 items"),
    "rich header": ([{"type": "data_table", "caption": "c", "rows": [[RICH], cells("b")]}], "must not be rich_text"),
    "lone pending": ([{"type": "task_card", "task_id": "1", "title": "t", "status": "pending"}], "inside a plan only"),
    "indent 9": ([{"type": "rich_text", "elements": [{"type": "rich_text_list", "style": "bullet", "indent": 9, "elements": [RICH["elements"][0]]}]}], "must be between 0 and 8"),
    "markdown in all": ([{"type": "markdown", "text": "x" * 6001}, {"type": "markdown", "text": "y" * 6001}], "no more than 12000 characters"),
    "51 blocks": ([section(str(n)) for n in range(51)], "no more than 50 items"),
    "unescaped name": ([section("Fish < Chips")], "unescaped character: <"),
    "unknown token": ([section("by <script>")], "invalid token: <script>"),
    "no fallback": ([section("<!date^1700000000^{date}>")], "invalid token"),
    "unknown date word": ([section("<!date^1700000000^{datum}|x>")], "invalid token"),
    "not an object": (["x"], "missing required field: type"),
    "3 charts": ([{"type": "data_visualization", "title": "t", "chart": {"type": "pie", "segments": [{"label": "a", "value": 1}]}}] * 3, "no more than 2 data_visualization"),
}  # fmt: skip


def refusal_of(blocks, text="text"):
    try:
        check.message(text, blocks)
    except Refusal as refusal:
        return refusal
    return None


@pytest.mark.parametrize("name", GOOD)
def test_good_blocks_pass(name):
    assert refusal_of(GOOD[name]) is None


@pytest.mark.parametrize("name", BAD)
def test_bad_blocks_are_refused_with_the_place(name):
    blocks, words = BAD[name]
    refusal = refusal_of(blocks)
    assert refusal is not None
    assert refusal.error == "invalid_blocks"
    assert any(words in message for message in refusal.messages), refusal.messages
    assert all("[json-pointer:/" in message for message in refusal.messages)


def test_the_cases_catch_a_check_that_only_counts_blocks():
    """The twin looks at the number of blocks and of options, as a careless stand-in would."""

    def careless(blocks):
        return [] if len(blocks) <= 50 else ["no more than 50 items"]

    assert [name for name, (blocks, _) in BAD.items() if careless(blocks)] == ["51 blocks"]


@pytest.mark.parametrize("text", ["", "   ", None])
def test_text_is_required_at_the_top(text):
    assert refusal_of([section()], text).error == "no_text"


def test_all_words_of_a_message_together():
    assert refusal_of([section("x" * 2999) for _ in range(4)]) is None
    refusal = refusal_of([section("x" * 2999) for _ in range(MESSAGE_CHARACTERS // 2999 + 1)])
    assert refusal.error == "msg_blocks_too_long"


def view_problem(value, surface="modal"):
    with pytest.raises(Refusal) as caught:
        check.view(value, surface)
    return caught.value


@pytest.mark.parametrize(
    "value,words",
    [
        ({"type": "modal", "blocks": [section()]}, "missing required field: title"),
        (modal(section(), title=plain("x" * 25)), "must be less than 25"),
        (modal(section(), private_metadata="x" * 3001), "must be less than 3001"),
        (modal({"type": "table", "rows": [cells("a")]}), "unsupported type: table"),
        (modal({"type": "markdown", "text": "x"}), "unsupported type: markdown"),
        ({"type": "modal", "title": plain("T"), "blocks": [text_input()]}, "missing required field: submit"),
        (modal(*(section(str(n)) for n in range(101))), "no more than 100 items"),
        (modal(section(), color="red"), "invalid additional property: color"),
    ],
)
def test_bad_modals_are_refused(value, words):
    refusal = view_problem(value)
    assert refusal.error == "invalid_arguments"
    assert any(words in message for message in refusal.messages), refusal.messages


def test_a_home_tab_takes_tables_and_no_plan():
    assert check.view({"type": "home", "blocks": [{"type": "table", "rows": [cells("a")]}]}, "home")
    assert "unsupported type: plan" in str(view_problem({"type": "home", "blocks": [GOOD["plan"][0]]}, "home").messages)


def test_a_view_of_a_quarter_of_a_megabyte_is_too_large():
    big = modal(*(section("é" * 2999, block_id=str(n)) for n in range(20)))
    assert view_problem(big).error == "view_too_large"
