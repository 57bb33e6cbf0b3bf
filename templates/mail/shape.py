"""What both parts of a mail share: signs, how many rows, and what becomes of buttons."""

from collections.abc import Sequence

from storage.facts.messages import Button, StepState
from templates import actions
from templates.mail.inline import words
from templates.text import counted, listed

SIGNS = {
    StepState.WAITING: "○",
    StepState.WORKING: "▸",
    StepState.DONE: "✓",
    StepState.FAILED: "✕",
    StepState.STOPPED: "–",
}
#: Rows of a table in a mail; Gmail hides what comes after about 100 kB.
MOST_ROWS = 60


def picture_id(number: int) -> str:
    """Return the name under which the HTML shows the nth picture of a mail, counted from 0."""
    return f"chart{number}@tidings"


def more_rows(count: int) -> str:
    """Return the sentence about rows that are not shown; empty where all are."""
    return f"… {counted(count - MOST_ROWS, 'more row')}, see Slack" if count > MOST_ROWS else ""


#: Buttons that nobody needs to open Slack for.
_NOT_WORTH_IT = frozenset({actions.DELIVERIES})


def spoken(buttons: Sequence[Button]) -> str:
    """Return what buttons without a link offer, since a mail cannot press them."""
    worth = [button for button in buttons if not button.url and button.action not in _NOT_WORTH_IT]
    names = [f"“{words(button.text).strip()}”" for button in worth]
    return f"Open Slack to press {listed(names, joint='or')}." if names else ""
