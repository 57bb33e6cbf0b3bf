"""Values of closed periods that moved: by how much, when, and through which transactions."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from storage.facts.messages import Code, Heading, Inline, Message, Note, Paragraph, Part, Sign, Strong, When
from storage.facts.metrics import Frequency, Shown
from storage.facts.restated import Document, Restated, restated_of
from templates import times
from templates.notices.answers import tell
from templates.notices.trends import period_name
from templates.text import counted, label

#: An amount of the metric, with its currency, as it shows it.
Said = Callable[[Decimal, str], str]
#: those on a card, and in a post of a week; transactions in a line
_ON_CARD, _IN_POST, _NAMED = 3, 5, 3


def restated_part(shown: Shown, said: Said) -> list[Part]:
    """Return what a metric's card says of its restated values; nothing where there are none."""
    found = [one for one in map(restated_of, shown.values) if one is not None]
    if not found:
        return []
    lines = (_told(one, said, _often(shown), before=(Strong("Restated: "),)) for one in found[:_ON_CARD])
    all_of_it = Note(("All that was restated: ", Code(f"/data metric {label(shown.metric.name)} restated"), "."))
    return [*lines, all_of_it]


def restated_list(shown: Shown, found: Sequence[Restated], said: Said) -> Message:
    """Return all that was restated of a metric, the last first."""
    name = f"{label(shown.metric.definition.noun)} {label(shown.metric.name)}"
    if not found:
        return tell(
            f"{name}: no value of a closed period moved.",
            ("What a period comes to while it is not over is never called restated.",),
        )
    closed = sum(one.in_closed_books for one in found)
    summary = f"{name}: {counted(len(found), 'value', 'values')} of closed periods moved"
    summary += f", {closed} of them in books that QuickBooks says are closed." if closed else "."
    # Not a table: its cells are too short for what has to be named.
    lines = (_told(one, said, _often(shown), named=len(one.documents or ())) for one in found)
    return Message(
        summary, (Heading(f"{name}: restated"), Paragraph((Strong(summary),)), *lines), kind="metric_restated"
    )


def restated_week(week: Sequence[tuple[Shown, Said]], since: datetime) -> list[Part]:
    """Return what the post of a week says of values of closed periods that moved since then."""
    found = [
        (shown, one, said)
        for shown, said in week
        for one in map(restated_of, shown.values)
        if one is not None and one.at is not None and one.at > since
    ]
    if not found:
        return []
    said_so = f"{counted(len(found), 'value', 'values')} of closed periods moved since "
    parts: list[Part] = [Paragraph((Sign("warning", "Restated:"), " ", Strong(said_so), When(since), "."))]
    parts += [
        _told(one, said, _often(shown), before=(Strong(label(shown.metric.name)), ", "))
        for shown, one, said in found[:_IN_POST]
    ]
    if len(found) > _IN_POST:
        parts.append(Note((f"{len(found) - _IN_POST} more: ", Code("/data metric <name> restated"), ".")))
    return parts


def _told(
    one: Restated, said: Said, frequency: Frequency, *, named: int = _NAMED, before: tuple[Inline, ...] = ()
) -> Paragraph:
    """Return by how much a value moved and when; below it each transaction, and whether the books are closed."""
    value = f": {_change(one, said)} since the collection with data as of "
    words: tuple[Inline, ...] = (*before, Strong(_period(one, frequency)), value, When(one.kept.as_of), ", through ")
    through, lines = _through(one, named)
    closed = (_closed(one),) if one.in_closed_books else ()
    return Paragraph((*words, through), under=(*((line,) for line in lines), *closed))


def _often(shown: Shown) -> Frequency:
    return (shown.before or shown.metric.definition).frequency


def _period(one: Restated, frequency: Frequency) -> str:
    return period_name(one.kept.value.period, frequency)


def _change(one: Restated, said: Said) -> str:
    value, currency = one.kept.value.value, one.kept.currency
    before = said(one.before, one.currency_before) if one.before is not None else "empty"
    after = said(value, currency) if value is not None else "empty"
    if value is None or one.before is None or one.currency_before != currency:
        return f"{before} → {after}"
    moved = said(value - one.before, currency)
    return f"{before} → {after} ({'+' if value > one.before else ''}{moved})"


def _through(one: Restated, named: int) -> tuple[str, tuple[str, ...]]:
    """Return through which transactions, each a line; that it is not known is said, and so is that there are none."""
    if one.documents is None:
        return "transactions that are not known: the data from before was not compared, or is not kept any more.", ()
    if not one.documents:
        return "no transaction that Tidings reads: QuickBooks itself says another amount.", ()
    lines = [f"• {_document(doc, one.currency_before, one.kept.currency)}" for doc in one.documents[:named]]
    more = one.more + max(0, len(one.documents) - named)
    rest = (f"and {more} more",) if more else ()
    return "what changed of that time:" if one.around else "these transactions:", (*lines, *rest)


def _document(doc: Document, was: str, currency: str) -> str:
    name = f"{label(doc.kind.replace('_', ' '))} {label(doc.number or f'with the id {doc.id}')}"
    days = [times.day(day) for day in dict.fromkeys(day for day in (doc.day_before, doc.day) if day is not None)]
    amounts = f"{_amount(doc.before, was)} → {_amount(doc.after, currency)}"
    if doc.before == doc.after and was == currency:
        amounts = f"{_amount(doc.after, currency)}, moved"
    return f"{name} ({' → '.join(days)}), {amounts}"


def _amount(value: Decimal | None, currency: str) -> str:
    return "none" if value is None else f"{value:,.2f}{f' {currency}' if currency else ''}"


def _closed(one: Restated) -> tuple[Inline, ...]:
    assert one.books_closed is not None
    words = f" QuickBooks says that the books are closed up to {times.day(one.books_closed)}."
    return (Sign("lock", "Closed books:"), words)
