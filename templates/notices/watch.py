"""What the watcher mails: that a Tidings stands still, and that it goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.facts.messages import Code, Message, Note, Paragraph, Part, Strong, When
from templates.notices.pieces import Words
from templates.text import label


@dataclass(frozen=True, slots=True)
class WatchLine:
    """One thing that stands still, or did."""

    code: str
    since: datetime
    detail: str = ""


#: What stands still, in the subject; what that means; what to do.
_WORDS: dict[str, tuple[str, str, Words]] = {
    "database": (
        "its database cannot be read",
        "Whether anything runs cannot be seen. While it lasts, clicks in Slack start nothing and say so.",
        ("look whether the database runs and its disk has room.",),
    ),
    "clock": (
        "its clock stands still",
        "No scheduled collection is started, and no deadline, reminder or escalation comes.",
        ("look whether ", Code("tidings serve"), " runs, and restart it."),
    ),
    "workers": (
        "no worker shows a sign of life",
        "Refreshes that people ask for wait, and nothing is delivered.",
        ("look whether ", Code("tidings serve"), " runs (ROLE=all or worker), and restart it."),
    ),
    "outbox": (
        "its messages are not sent",
        "Messages wait and none was tried for four minutes. People are told nothing, neither good news nor bad.",
        ("look at the log of the workers, and restart them.",),
    ),
    "expectations": (
        "nobody looks for what is missing",
        "Something should have happened and nobody noticed: schedules could stop without a word.",
        ("look for ", Code("sweep_failed"), " and ", Code("ledger_failed"), " in the log, and restart the workers."),
    ),
}  # fmt: skip


def watch_trouble(lines: Sequence[WatchLine], now: datetime) -> Message:
    """Return the mail about what stands still, one paragraph for each."""
    summary = f"Tidings: {'; '.join(_WORDS[line.code][0] for line in lines)}."
    parts: list[Part] = []
    for line in lines:
        what, meaning, step = _WORDS[line.code]
        detail = (f" ({label(line.detail)})",) if line.detail and line.code == "database" else ()
        waits = (f" {label(line.detail)} wait.",) if line.detail and line.code == "outbox" else ()
        parts += [
            Paragraph(
                (Strong(f"{what[0].upper()}{what[1:]}"), *detail, ", since ", When(line.since, now), ".", *waits)
            ),
            Paragraph((meaning,)),
            Paragraph((Strong("Next step: "), *step)),
        ]
    return Message(summary, (*parts, Note(("You are told once when it is over.",))), kind="watch")


def watch_over(lines: Sequence[WatchLine], now: datetime) -> Message:
    """Return the mail that it goes on."""
    summary = f"Over: Tidings works again ({'; '.join(_WORDS[line.code][0] for line in lines)})."
    parts = [
        Paragraph((Strong(f"{_WORDS[line.code][0][0].upper()}{_WORDS[line.code][0][1:]}"), ": from ", When(line.since),
                   " to ", When(now), ".")) for line in lines
    ]  # fmt: skip
    return Message(summary, tuple(parts), kind="watch")
