"""Charts: in Slack natively, as a table or in words; and who may be shown which."""

from dataclasses import replace
from decimal import Decimal

import pytest

from storage.facts import messages as m
from storage.facts.charts import Chart, ChartKind, Series
from templates import mail, slack
from templates.charts import as_table
from templates.slack import Rung

ROWS = Chart(
    "Rows per refresh", ChartKind.BAR, ("Nov 20", "Nov 21", "Nov 22"),
    (Series("Rows", (Decimal(1204), Decimal("30.5"), Decimal(-7))),), "Day", "Rows", "1,204 at most.",
)  # fmt: skip


def kinds(*parts: m.Part, rung=Rung.NATIVE):
    return [block["type"] for block in slack.render(m.Message("x", parts), rung=rung)["blocks"]]


def test_slack_draws_it_and_says_it_in_words():
    native, words = slack.render(m.Message("x", (ROWS,)))["blocks"]
    assert native["title"] == "Rows per refresh"
    assert native["chart"] == {
        "type": "bar",
        "series": [{"name": "Rows", "data": [{"label": "Nov 20", "value": 1204}, {"label": "Nov 21", "value": 30.5},
                                             {"label": "Nov 22", "value": -7}]}],
        "axis_config": {"categories": ["Nov 20", "Nov 21", "Nov 22"], "x_label": "Day", "y_label": "Rows"},
    }  # fmt: skip
    assert words["elements"][0]["text"] == "1,204 at most."


def test_below_the_first_rung_it_is_a_table_or_words():
    assert kinds(ROWS, rung=Rung.DATA_TABLE) == ["section", "table", "context"]
    assert kinds(ROWS, rung=Rung.TEXT) == ["section", "section", "context"]
    assert kinds(replace(ROWS, told=True), rung=Rung.TABLE) == ["context"]
    rows = slack.render(m.Message("x", (ROWS,)), rung=Rung.TABLE)["blocks"][1]["rows"]
    assert [cell["text"] for cell in rows[2]] == ["Nov 21", "30.5"]


def test_a_point_without_a_value_is_never_a_zero():
    gap = replace(ROWS, series=(Series("Rows", (Decimal(1), None, Decimal(3))),))
    native, words = slack.render(m.Message("x", (gap,)))["blocks"]
    assert native["chart"]["axis_config"]["categories"] == ["Nov 20", "Nov 22"]
    assert words["elements"][0]["text"].endswith("Without a value: Nov 21.")
    assert as_table(gap).rows[1] == (("Nov 21",), ("–",))
    assert kinds(replace(gap, series=(Series("Rows", (None, None, Decimal(3))),)))[0] == "section"


def test_at_most_two_charts_and_one_table():
    told = replace(ROWS, told=True)
    assert kinds(told, told, told) == ["data_visualization", "context"] * 2 + ["context"]
    assert kinds(ROWS, ROWS, ROWS, ROWS).count("data_visualization") == 2
    assert kinds(ROWS, ROWS, ROWS, ROWS).count("table") == 1


def test_the_oldest_points_go_first_and_it_is_said():
    many = replace(ROWS, categories=tuple(map(str, range(23))), series=(Series("R", (Decimal(1),) * 23),))
    native, words = slack.render(m.Message("x", (many,)))["blocks"]
    assert native["chart"]["axis_config"]["categories"][0] == "3"
    assert "The 3 oldest are not drawn." in words["elements"][0]["text"]


def test_what_is_tried_first_is_what_the_message_needs():
    table = m.Table("T", ("A",), ((("x",),),))
    sortable = replace(table, sortable=True)
    assert slack.newest(m.Message("x", (table,))) is Rung.TABLE
    assert slack.newest(m.Message("x", (sortable,))) is Rung.DATA_TABLE
    assert slack.newest(m.Message("x", (ROWS, table))) is Rung.NATIVE
    assert slack.newest(m.Message("x", (ROWS,)), Rung.FIELDS) is Rung.FIELDS


def test_points_belong_to_categories():
    with pytest.raises(ValueError, match="one point per category"):
        replace(ROWS, categories=("a",))


def test_a_mail_has_the_picture_by_name_its_words_and_its_numbers():
    written = mail.render(m.Message("x", (ROWS, replace(ROWS, title="Other", told=True))))
    assert 'src="cid:chart0@tidings" alt="1,204 at most."' in written.html
    assert 'src="cid:chart1@tidings"' in written.html
    assert written.html.count(">30.5<") == 1
    assert "- Nov 21 (Rows: 30.5)" in written.text
    assert "Other: 1,204 at most." in written.text
    assert written.charts == (ROWS, replace(ROWS, title="Other", told=True))
    assert written.pictures == ()
