"""The words and shapes of every notice, as files to read in a review. `UPDATE_GOLDEN=1` writes them anew."""

import json
import os
from pathlib import Path

import pytest

from bot.cli.samples.catalogue import messages
from bot.cli.samples.facts import ZONE
from templates import mail, slack
from tests.templates.homes import homes

GOLDEN = Path(__file__).parent / "golden"
#: Long lists are judged by the limits; as files nobody would read them.
LONG = {"status_many", "confirm_many", "card_many", "finished_many", "history_long"}
NAMES = sorted(set(messages()) - LONG)
_MAILED = (
    *("finished_", "test_message", "escalation_", "incident_", "expiry_", "connection_ticket", "access_request"),
    *("held_bundle", "digest_of_"),
)
MAILED = [name for name in NAMES if name.startswith(_MAILED)]


def agrees(name, text):
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, f"{name} differs; look, then UPDATE_GOLDEN=1"


@pytest.mark.parametrize("name", NAMES)
def test_slack_says_what_was_agreed(name):
    shown = slack.render(messages()[name], revision=1, team_id="T0TEMERITY", zone=ZONE)
    agrees(f"slack/{name}.json", json.dumps(shown, indent=1, ensure_ascii=False) + "\n")


@pytest.mark.parametrize("name", MAILED)
def test_mail_says_what_was_agreed(name):
    written = mail.render(messages()[name], zone=ZONE)
    agrees(f"mail/{name}.txt", f"Subject: {written.subject}\n\n{written.text}")


@pytest.mark.parametrize("name", ["finished_ready", "finished_mixed", "escalation_open"])
def test_mail_looks_as_agreed(name):
    agrees(f"mail/{name}.html", mail.render(messages()[name], zone=ZONE).html)


@pytest.mark.parametrize("name", sorted(homes()))
def test_app_home_says_what_was_agreed(name):
    shown = slack.home([homes()[name]], team_id="T0TEMERITY", zone=ZONE)
    agrees(f"home/home_{name}.json", json.dumps(shown, indent=1, ensure_ascii=False) + "\n")


def test_no_golden_file_is_left_over():
    expected = {f"{name}.json" for name in NAMES} | {f"{name}.txt" for name in MAILED}
    expected |= {f"home_{name}.json" for name in homes()}
    found = {path.name for path in GOLDEN.rglob("*.*") if path.suffix != ".html"}
    assert found == expected
