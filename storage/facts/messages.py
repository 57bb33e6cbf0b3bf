"""The neutral message: what is said, before anybody decides how it looks in Slack or in a mail."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from storage.facts.charts import Chart


@dataclass(frozen=True, slots=True)
class Strong:
    """Words that matter more than the ones around them."""

    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """Something to copy exactly: a command, an id."""

    text: str


@dataclass(frozen=True, slots=True)
class When:
    """An instant; shown with date, time and zone of whoever reads. `relative` adds "(3 min ago)" as of `now`."""

    at: datetime
    now: datetime | None = None
    #: only the time of day, for instants of today next to a full date
    short: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """A member; a mention in their own workspace's Slack, the name elsewhere."""

    name: str
    team_id: str | None = None
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A link of our own; never built from outside text."""

    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Sign:
    """A small picture of the standard set, by its name there; where none is drawn, `text` says what it stands for."""

    name: str
    text: str = ""


#: A piece of running text; plain `str` is shown as it is, everything in it escaped.
Inline = str | Strong | Code | When | Person | Link | Sign


@dataclass(frozen=True, slots=True)
class Heading:
    """The first line, at most 150 characters."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; in Slack with a menu (⋯) of buttons beside it, at most five."""

    parts: tuple[Inline, ...]
    menu: "tuple[Button, ...]" = ()
    #: further lines, one under the other
    under: tuple[tuple[Inline, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """Small print: references, next times, how to stop this."""

    parts: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Labelled values, side by side where there is room."""

    rows: tuple[tuple[str, tuple[Inline, ...]], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns; `numeric` columns are aligned right. An empty cell is shown as a dash."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[tuple[Inline, ...], ...], ...]
    numeric: frozenset[int] = frozenset()
    #: long enough that people turn pages, sort and filter it, where they can
    sortable: bool = False


class StepState(StrEnum):
    """How far one step of a plan is."""

    WAITING = "waiting"
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of progress."""

    title: str
    state: StepState
    detail: tuple[Inline, ...] = ()


@dataclass(frozen=True, slots=True)
class Steps:
    """Progress: one step per source or stage. With a title it may be drawn as a plan, which says the title, too."""

    steps: tuple[Step, ...]
    title: str = ""


class ButtonStyle(StrEnum):
    """Primary is the one obvious next step; danger destroys something."""

    PLAIN = "plain"
    PRIMARY = "primary"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class Confirm:
    """A question before a button acts."""

    title: str
    text: str
    yes: str
    no: str


@dataclass(frozen=True, slots=True)
class Button:
    """Something to press in Slack; mail shows only buttons with a `url`. `value` holds our ids (2000 chars)."""

    text: str
    action: str
    value: str = ""
    style: ButtonStyle = ButtonStyle.PLAIN
    confirm: Confirm | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Buttons:
    """A row of buttons."""

    buttons: tuple[Button, ...]


@dataclass(frozen=True, slots=True)
class Thumbs:
    """Whether it was right: two buttons that Slack may draw as thumbs. A mail has none."""

    up: Button
    down: Button


@dataclass(frozen=True, slots=True)
class Rule:
    """A line between two parts."""


Part = Heading | Paragraph | Note | Facts | Table | Chart | Steps | Buttons | Thumbs | Rule


@dataclass(frozen=True, slots=True)
class Message:
    """What is said in one place.

    `summary` is the whole in one plain sentence: Slack's top-level text, a phone's notification, the mail's subject
    unless `subject` says otherwise.
    """

    summary: str
    parts: tuple[Part, ...] = ()
    subject: str | None = None
    #: our own kind, such as ``refresh_ready``; carried in metadata and headers, never shown
    kind: str = "answer"


@dataclass(frozen=True, slots=True)
class TextInput:
    """A line to type into, in a form."""

    name: str
    label: str
    hint: str = ""
    initial: str = ""
    optional: bool = False
    #: a box for several lines, whose text is kept as it is
    multiline: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several answers, in a form."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    initial: str | None = None
    #: shown closed, as a menu, however few there are
    menu: bool = False
    #: told at once when it is made: what else is asked for follows from it
    tells: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """Something that a search offers; `value` holds our ids (150 chars), `note` says a little more below the text."""

    value: str
    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """A menu that looks up what it offers while one types; its `name` is that of the entry `search:…` that answers."""

    name: str
    label: str
    #: what is chosen when it opens
    initial: tuple[Option, ...] = ()
    #: how many may be chosen; one: a menu that holds one answer
    most: int = 1
    #: letters that are typed before it asks; none: it offers something at once
    least: int = 0
    placeholder: str = ""
    hint: str = ""
    optional: bool = False
    #: whether the form opens with the cursor in it; one of a form at most
    focus: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A modal: words, then inputs, then one button that sends them."""

    callback: str
    title: str
    submit: str
    parts: tuple[Part, ...] = ()
    inputs: Sequence[TextInput | Choice | Search] = field(default_factory=tuple)
    #: ids of ours, at most 3000 characters; looked up again when the form comes back
    private: str = ""
    close: str = "Cancel"
    #: a choice above the inputs that is told at once, when it is made
    switch: Choice | None = None
    #: closing it closes what lies below it, too
    last: bool = False
