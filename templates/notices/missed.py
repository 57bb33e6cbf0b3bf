"""What support is told about things that should have happened and did not."""

from dataclasses import dataclass
from datetime import datetime

from storage.facts.expectations import ExpectationKind
from storage.facts.messages import Code, Facts, Message, Note, Paragraph, Part, Strong, When
from templates.notices.pieces import Words
from templates.notices.telling import kind_words
from templates.text import label, listed

_MOST_KINDS = 6


@dataclass(frozen=True, slots=True)
class MissedFacts:
    """One report: things of one kind."""

    kind: ExpectationKind
    count: int
    #: how many of them came after all
    settled: int
    first_due: datetime
    last_due: datetime
    settled_at: datetime | None
    #: of the sources that it is about, as support knows them
    names: tuple[str, ...] = ()
    #: how many more there are
    more: int = 0
    #: kinds of the messages that are stuck, with their numbers
    messages: tuple[tuple[str, int], ...] = ()


#: One, several; then what it means and what to do.
_WORDS: dict[ExpectationKind, tuple[str, str, str, Words]] = {
    ExpectationKind.SLOT: (
        "1 scheduled collection did not start on time",
        "{} scheduled collections did not start on time",
        "The clock did not start what was due. Nothing failed; it simply did not happen.",
        ("look whether Tidings runs (", Code("tidings status"), ") and what its log says (", Code("sweep_failed"),
         ", ", Code("slots_not_submitted"), "). A restart makes up for the newest collection of every source."),
    ),
    ExpectationKind.COLLECTION: (
        "1 scheduled collection neither ends nor moves",
        "{} scheduled collections neither end nor move",
        "Started by the clock over three hours ago; rows and stages have stood still since.",
        ("look at the run in ", Code("tidings status"), "; a restart of the worker takes it up again."),
    ),
    ExpectationKind.FILE: (
        "1 delivered file did not come at its usual time",
        "{} delivered files did not come at their usual time",
        "By the rhythm of the files before, it should be there by now.",
        ("ask whoever delivers the files whether one was written.",),
    ),
    ExpectationKind.DELIVERY: (
        "1 message could not be delivered for 15 minutes",
        "{} messages could not be delivered for 15 minutes",
        "Messages are tried again until they are 24 hours old.",
        ("look whether Slack and the mail server answer (", Code("tidings doctor"), ") and at ",
         Code("delivery_refused"), " in the log."),
    ),
    ExpectationKind.HEARTBEAT: (
        "The clock of 1 process stopped without a word",
        "The clocks of {} processes stopped without a word",
        "A clock starts scheduled collections. Every process has one, and one of them that runs is enough.",
        ("look whether the process runs, and restart it.",),
    ),
    ExpectationKind.EXCHANGE: (
        "1 file or turn of orders of the exchange did not begin or end in its time",
        "{} files or turns of orders of the exchange did not begin or end in their time",
        "The sweep of the exchange did not begin what was due, or a run of it neither ends nor is given up.",
        ("look whether Tidings runs (", Code("tidings status"), ") and what its log says (", Code("sweep_failed"),
         "). A restart makes up for what was missed, once for each pair."),
    ),
    ExpectationKind.CANARY: (
        "The daily test message was not confirmed",
        "{} daily test messages were not confirmed",
        "It goes the way that every message goes. What people are told by that channel may not reach them either.",
        ("run ", Code("tidings doctor"), ", which says what Slack and the mail server answer."),
    ),
}  # fmt: skip


def missed(facts: MissedFacts) -> Message:
    """Return the report, at its beginning."""
    one, several, meaning, step = _WORDS[facts.kind]
    summary = f"{(one if facts.count == 1 else several.format(facts.count))}."
    all_made_up = facts.settled == facts.count
    if all_made_up:
        summary += " It is made up for already." if facts.count == 1 else " All are made up for already."
    parts: tuple[Part, ...] = (
        Paragraph((Strong(summary), f" {meaning}")),
        Facts((*_named(facts), *_times(facts))),
    )
    if not all_made_up:
        parts = (
            *parts,
            Paragraph((Strong("Next step: "), *step)),
            Note(("You are told once when all of it is made up for.",)),
        )
    return Message(summary, parts, kind="missed")


def more(facts: MissedFacts, count: int) -> Message:
    """Return the word that more of the same joined a report; its names are those of what joined."""
    one, several, meaning, step = _WORDS[facts.kind]
    joined = one.replace("1 ", "1 more ", 1) if count == 1 else several.format(f"{count} more")
    summary = f"{joined}, {facts.count} in all."
    return Message(
        summary,
        (
            Paragraph((Strong(summary), f" {meaning}")),
            Facts((*_named(facts), *_times(facts))),
            Paragraph((Strong("Next step: "), *step)),
            Note(("The first message in Slack is kept up to date. You are told once when all of it is made up for.",)),
        ),
        kind="missed",
    )


def made_up(facts: MissedFacts) -> Message:
    """Return the word that it is over."""
    one, several, _, _ = _WORDS[facts.kind]
    summary = f"Over: {_small(one if facts.count == 1 else several.format(facts.count))}."
    return Message(
        summary,
        (Paragraph((Strong(summary),)), Facts((*_named(facts), *_times(facts)))),
        kind="missed",
    )


def _small(words: str) -> str:
    return words[0].lower() + words[1:]


def _named(facts: MissedFacts) -> tuple[tuple[str, Words], ...]:
    if facts.messages:
        words = [f"{number} × {kind_words(kind)}" for kind, number in facts.messages]
        return (("Messages", (listed(words, most=_MOST_KINDS),)),)
    if not facts.names:
        return ()
    more = (f"{facts.more} more",) if facts.more else ()
    return (
        (
            "Sources" if facts.count > 1 else "Source",
            (listed([*map(label, facts.names), *more], most=len(facts.names) + 1),),
        ),
    )


def _times(facts: MissedFacts) -> tuple[tuple[str, Words], ...]:
    rows: list[tuple[str, Words]] = [("Due" if facts.count == 1 else "First due", (When(facts.first_due),))]
    if facts.last_due != facts.first_due:
        rows.append(("Last due", (When(facts.last_due),)))
    if facts.settled_at is not None:
        came = "" if facts.settled == facts.count else f"{facts.settled} of {facts.count}, the last "
        rows.append(("Made up", (came, When(facts.settled_at)) if came else (When(facts.settled_at),)))
    return tuple(rows)
