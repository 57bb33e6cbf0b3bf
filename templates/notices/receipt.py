"""A receipt: what one finished run did, when, for whom, and whether anybody changed that record since."""

from storage.facts.messages import Code, Facts, Heading, Inline, Message, Note, Paragraph, Part, Strong, Table
from storage.facts.receipts import ReceiptPage
from storage.facts.runs import Receipt
from templates import times
from templates.notices.answers import say
from templates.notices.partly import as_of
from templates.notices.pieces import Words, instant
from templates.text import label, listed, number, shorten
from templates.words import STAGES, TRIGGERS, source_name, source_title, stream_words

#: Signs of a hash that people compare by eye.
_SEEN = 16


def receipt(organization: str, page: ReceiptPage) -> Message:
    """Return a receipt with its four clocks, its rows and how it hangs in the chain."""
    one = page.receipt
    summary = f"{label(organization)}: receipt {one.id} of {source_name(page.source)}."
    if not page.sound:
        summary = f"{summary} It was changed after it was written: do not trust it."
    parts: tuple[Part, ...] = (
        Heading(f"Receipt · {source_title(page.source)}"),
        Paragraph(_soundness(page)),
        Facts(
            (
                ("Asked", instant(one.clocks.requested_at)),
                ("Data as of", as_of(one.clocks.source_as_of, one.partly, "not known")),
                ("Loaded", instant(one.clocks.loaded_at)),
                ("Ready to import", instant(one.clocks.ready_at)),
                ("Begun by", _begun_by(page)),
                ("Took", _took(one)),
            )
        ),
        *_rows(one),
        Note(_references(one)),
    )
    return Message(summary, parts, kind="receipt")


def no_receipt(receipt_id: str) -> Message:
    """Return the answer to an id that names no receipt of the organization."""
    words: Words = ("There is no receipt ", Code(shorten(label(receipt_id), 60)), " here.")
    return say(f"There is no receipt {shorten(label(receipt_id), 60)} here.", words, _WHERE, kind="no_receipt")


def receipt_usage(said: str) -> Message:
    """Return the answer to a receipt that is not named, or by something that is no id."""
    summary = "Say which receipt." if not said else f"“{shorten(label(said), 60)}” is no receipt id."
    return say(summary, (summary,), _WHERE, kind="no_receipt")


_WHERE: Words = (
    "Ids begin with rcp_ and stand below each confirmation and in the history of one source: ",
    Code("/data history quickbooks"),
)


def _soundness(page: ReceiptPage) -> Words:
    if page.sound:
        return ("As it was written: its content and its link to the receipt before it check out.",)
    return (
        Strong("This receipt is not as it was written, or the one before it is missing."),
        " Somebody changed the database past Tidings: do not trust it, and call support now.",
    )


def _begun_by(page: ReceiptPage) -> Words:
    one = page.receipt
    if page.asked_by:
        return (listed([label(name) for name in page.asked_by], most=5),)
    return (TRIGGERS[one.trigger] if one.trigger else "not noted at that time",)


def _took(one: Receipt) -> Words:
    stages = {stage.value: words for stage, words in STAGES.items()}
    told = [f"{stages.get(name, name)} {times.span(seconds)}" for name, seconds in one.stage_seconds.items()]
    return (", ".join(told) or "not noted",)


def _rows(one: Receipt) -> tuple[Part, ...]:
    rows: list[tuple[tuple[Inline, ...], ...]] = []
    for stream, count in one.counts.items():
        numbers = (count.new, count.changed, count.deleted, count.total)
        if any(numbers):
            rows.append(((stream_words(stream),), *((number(value),) for value in numbers)))
    if not rows:
        return (Paragraph(("No row was read that was not here already.",)),)
    columns = ("Records", "New", "Changed", "Deleted", "Total then")
    return (Table("Rows per kind of record", columns, tuple(rows), frozenset({1, 2, 3, 4})),)


def _references(one: Receipt) -> Words:
    words: Words = ("Receipt ", Code(one.id), f", number {number(one.sequence)} of the organization")
    if one.snapshot_after is not None:
        words += (f", warehouse snapshot {one.snapshot_after}",)
    if one.fingerprint:
        words += (", content ", Code(one.fingerprint[:_SEEN]))
    words += (", hash ", Code(one.hash[:_SEEN]), ", after ", Code(one.previous_hash[:_SEEN]))
    if one.configuration:
        words += (", configuration ", Code(one.configuration))
    return (*words, f". Written by Tidings {label(one.release)}." if one.release else ".")
