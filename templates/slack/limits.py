"""Every limit of Slack's that a message of ours can meet; nothing outside this package knows them.

Sizes are in UTF-16 units of the text as it is sent, escapes included: no counter of Slack's is stricter. Sources:
docs.slack.dev, Block Kit reference; where sources disagree the smaller number is taken.
"""

from enum import StrEnum

#: Blocks of one message; of one modal or Home view.
MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
#: All text of one message together. Slack refuses (`msg_blocks_too_long`) somewhere above 11,000; nobody says where.
MESSAGE_TEXT = 10_000
#: All text of one view together; our own, Slack only limits the bytes.
VIEW_TEXT = 30_000
#: A view as JSON; Slack refuses above 250 kB (`view_too_large`).
VIEW_BYTES = 240_000
#: Top-level text: Slack advises 4,000 and cuts at 40,000.
SUMMARY = 1_000

TEXT = 3_000
HEADER = 150
CONTEXT = 2_000
FIELDS = 10
BLOCK_ID = 255
ACTION_ID = 255

ACTIONS = 25
BUTTON_TEXT = 75
BUTTON_VALUE = 2_000
URL = 3_000
CONFIRM_TITLE = 100
CONFIRM_TEXT = 300
CONFIRM_BUTTON = 30

TABLE_ROWS = 100
TABLE_COLUMNS = 20
TABLES = 1
DATA_TABLE_ROWS = 101
DATA_TABLE_PAGE = 20
#: Charts of one message; sources disagree on the series (12 or 6).
CHARTS = 2
CHART_TITLE = 50
CHART_AXIS = 50
CHART_LABEL = 20
CHART_SERIES = 6
CHART_CATEGORIES = 20
#: Our own: one cell longer than this makes every table unreadable.
CELL = 200

VIEW_TITLE = 24
VIEW_BUTTON = 24
PRIVATE_METADATA = 3_000
CALLBACK_ID = 255
INPUT_LABEL = 2_000
INPUT_HINT = 2_000
PLACEHOLDER = 150
INPUT_TEXT = 3_000
OPTION_TEXT = 75
OPTION_VALUE = 150
OPTION_NOTE = 75
RADIO_OPTIONS = 10
SELECT_OPTIONS = 100
OVERFLOW_OPTIONS = 5
#: Tasks of one plan; the length of a title is our own.
PLAN_TASKS = 50
PLAN_TITLE = 150


class Rung(StrEnum):
    """How a message is drawn: the newest way first, the one that every workspace understands last."""

    #: whether it was right as thumbs
    THUMBS = "thumbs"
    #: progress as a plan with tasks
    PLAN = "plan"
    #: charts by Slack; tables that people sort as `data_table`
    NATIVE = "native"
    #: no charts
    DATA_TABLE = "data_table"
    TABLE = "table"
    FIELDS = "fields"
    TEXT = "text"

    def next(self) -> "Rung | None":
        """Return the rung to try after `invalid_blocks`; None below the last."""
        rungs = list(Rung)
        following = rungs.index(self) + 1
        return rungs[following] if following < len(rungs) else None


class TooLong(ValueError):  # noqa: N818 - it names what is wrong
    """Ids of ours do not fit where Slack carries them; cut ids would name something else, so nothing is sent."""
