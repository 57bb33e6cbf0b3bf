"""Whatever a message holds, Slack takes it, and nothing in it is a token or a format that we did not create."""

import os
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from bot.cli.samples.catalogue import messages
from bot.cli.samples.facts import NOW, ZONE, source, status
from storage.facts import messages as m
from templates import slack
from templates.slack import Rung
from tests.templates import nasty
from tests.templates.rules import breaches_of_message, breaches_of_view, foreign_tokens, limits

pytestmark = pytest.mark.contracts
SOAK = bool(os.environ.get("SOAK"))
often = settings(max_examples=400 if SOAK else 20, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def _contracts():
    limits()


@often
@given(nasty.whole)
def test_any_message_is_taken_on_every_rung(message):
    for rung in Rung:
        shown = slack.render(message, revision=7, rung=rung, team_id="T1", zone="Asia/Kolkata")
        assert breaches_of_message(shown) == []


@often
@given(nasty.forms)
def test_any_form_is_taken(form):
    assert breaches_of_view(slack.modal(form, team_id="T1")) == []


@settings(max_examples=200 if SOAK else 10, deadline=None, suppress_health_check=list(HealthCheck))
@given(nasty.whole)
def test_any_home_view_is_taken(message):
    assert breaches_of_view(slack.home([message, message], team_id="T1")) == []


@pytest.mark.parametrize("rung", list(Rung))
@pytest.mark.parametrize("length", nasty.LENGTHS)
def test_every_place_takes_every_length(length, rung):
    for piece in ("a", "&", "é", "e\u0301", "👩‍👩‍👧"):
        text = (piece * length)[:length]
        confirm = m.Confirm(text, text, text, text)
        message = m.Message(
            text,
            (
                m.Heading(text),
                m.Paragraph((text,)),
                m.Note((m.Strong(text),)),
                m.Facts(((text, (text,)),)),
                m.Table(text, (text, text), (((text,), (m.When(NOW), text)),)),
                m.Steps((m.Step(text, m.StepState.WORKING, (text,)),), text),
                m.Buttons((m.Button(text, "refresh_confirm", "id", confirm=confirm),)),
            ),
        )
        assert breaches_of_message(slack.render(message, rung=rung)) == []


@pytest.mark.parametrize("name", sorted(messages()))
def test_every_notice_is_taken_on_every_rung(name):
    for rung in Rung:
        assert breaches_of_message(slack.render(messages()[name], rung=rung, team_id="T0TEMERITY", zone=ZONE)) == [], (
            rung
        )


def test_five_thousand_hostile_names_stay_names():
    """Threat T19: companies, shops and errors with names that try to speak Slack's language; 34 x 50 x 3 of them."""
    chance = random.Random(19)
    for _ in range(34):
        names = ["".join(chance.choices(nasty.FRAGMENTS, k=chance.randint(1, 6))) for _ in range(50)]
        told = [status(source(number=index, company=name, reason=name)) for index, name in enumerate(names)]
        from templates import notices

        for message in (
            notices.status(names[0], told, NOW),
            notices.confirm_refresh(names[1], told, NOW, value="v", stale_value="s", admins=names),
            notices.unknown_source(names[2], names, names[3]),
        ):
            assert breaches_of_message(slack.render(message)) == []


def test_a_view_of_long_ids_and_small_cells_stays_below_its_bytes():
    ids = m.Buttons(tuple(m.Button("Go", "refresh_ask", "i" * 2000) for _ in range(25)))
    cells = m.Table("T", tuple("ABCDEFGHIJKLMNOPQRST"), (((m.Strong("x"),),) * 20,) * 99)
    view = slack.home([m.Message("x", (ids, ids, ids, ids, ids, cells))])
    assert breaches_of_view(view) == []
    assert view["blocks"][-1]["elements"][0]["text"].startswith("… ")
    assert breaches_of_view(slack.modal(m.Form("c", "T", "Go", (ids,) * 9))) == []


def test_tables_are_cut_at_their_rows_and_columns():
    wide = m.Table("T", tuple(f"c{n}" for n in range(24)), ((("x",),) * 24,) * 3)
    long = m.Table("T", ("A", "B"), ((("x",), ("1",)),) * 140, frozenset({1}))
    for table in (wide, long):
        for rung in Rung:
            assert breaches_of_message(slack.render(m.Message("x", (table,)), rung=rung)) == []
    assert len(slack.render(m.Message("x", (wide,)))["blocks"][1]["rows"][0]) == 20
    assert len(slack.render(m.Message("x", (long,)))["blocks"][1]["rows"]) == 100
    sortable = m.Message("x", (replace(long, sortable=True),))
    assert len(slack.render(sortable)["blocks"][0]["rows"]) == 101
    assert slack.render(m.Message("x", (long,)))["blocks"][2]["elements"][0]["text"] == "… 41 more rows"


def careless(message):
    """The twin: no escaping, no limits."""
    texts = [part.parts[0] for part in message.parts]
    section = {"type": "mrkdwn", "verbatim": True}
    blocks = [{"type": "section", "block_id": str(n), "text": section | {"text": text}} for n, text in enumerate(texts)]
    return {"text": message.summary, "blocks": blocks}


@pytest.mark.parametrize(
    "text",
    [
        "<!channel>",
        "<https://evil.example|QuickBooks>",
        "<@U1>",
        "a & b",
        "x" * 3001,
        "",
        "\u202eevil",
        "<!date^1^{date}|x>",
        "<",
    ],
)
def test_the_judge_catches_a_renderer_that_escapes_and_cuts_nothing(text):
    message = m.Message("fine", (m.Paragraph((text,)),))
    assert breaches_of_message(careless(message)) != []
    assert breaches_of_message(slack.render(message)) == []


def test_the_judge_catches_too_many_blocks_and_repeated_ids():
    many = m.Message("fine", tuple(m.Paragraph((f"line {n}",)) for n in range(51)))
    assert any("message.blocks" in problem for problem in breaches_of_message(careless(many)))
    shown = slack.render(many)
    assert breaches_of_message(shown) == []
    assert shown["blocks"][-1]["elements"][0]["text"].startswith("… 2 more part")
    twice = slack.render(m.Message("fine", (m.Paragraph(("x",)), m.Paragraph(("y",)))))
    twice["blocks"][1]["block_id"] = twice["blocks"][0]["block_id"]
    assert breaches_of_message(twice) == ["block ids"]


def test_tokens_of_ours_are_not_called_foreign():
    reader: dict[str, Any] = {"team_id": "T1", "zone": ZONE}
    link = m.Link("https://tidings.example/connect?x=1", "Open <Tidings> | here")
    shown = slack.render(
        m.Message("x", (m.Paragraph((m.When(NOW), " ", m.Person("Maya", "T1", "U0MAYA"), link)),)), **reader
    )
    text = shown["blocks"][0]["text"]["text"]
    assert foreign_tokens(text) == []
    assert "<!date^1795290060^{date_short_pretty} at {time}|Nov 21, 2026, 14:41 EST>" in text
    assert "<@U0MAYA>" in text
    assert "|Open ‹Tidings› / here>" in text
