"""The answer to "did my change land?": in which collection it is, or how far the data is and what happens next."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from storage.facts.landed import Hit, LandedAnswer, Sought, SoughtKind, Standing
from storage.facts.messages import Code, Facts, Heading, Inline, Message, Note, Paragraph, Part, Strong, When
from templates import times
from templates.notices.answers import say
from templates.notices.pieces import Words
from templates.text import label, shorten
from templates.words import provider_name, source_title

_MOST = 5


def landed(organization: str, answer: LandedAnswer, now: datetime, *, zone: str, watched: bool = False) -> Message:
    """Return what was found, or that it is not there yet; `watched`: it was waited for."""
    ready = [hit for hit in answer.hits if hit.ready]
    if not ready:
        return _not_yet(organization, answer, now, zone)
    what = wanted_words(answer.wanted, zone)
    title = f"{what} has landed" if watched else f"{what} is in"
    first = ready[0]
    parts: list[Part] = [Heading(title)]
    parts += [Paragraph(_found(hit, amounts=answer.amounts)) for hit in ready[:_MOST]]
    if answer.wanted.kind is SoughtKind.INSTANT:
        parts.append(Note(("Every change that the provider had by then is in it.",)))
    since = f" as of {times.absolute(first.as_of, zone)}" if first.as_of is not None else ""
    told = f"{label(organization)}: {title}, in the data of {provider_name(first.source.provider)}{since}."
    return Message(told, tuple(parts), kind="landed")


def watch_expired(
    organization: str, wanted: Sought, standings: Sequence[Standing], asked_at: datetime, now: datetime, *, zone: str
) -> Message:
    """Return the last word of a watch that came to nothing."""
    what = wanted_words(wanted, zone)
    title = f"{what} did not land within 7 days"
    seen: Words = (f"{what} was looked for after every collection since ", When(asked_at), ", and was not in any.")
    words: Words = (
        *seen,
        " It is watched no more. ",
        Strong("Next step:"),
        " check its number at the provider, then ask again, or ask ",
        Code("/data why"),
        ".",
    )
    parts: tuple[Part, ...] = (Heading(title), Paragraph(words), Facts(_rows(standings, now)))
    return Message(f"{label(organization)}: {title}. It is watched no more.", parts, kind="landed")


def landed_usage(said: str = "") -> Message:
    """Return how to ask."""
    summary = "Say what to look for." if not said else f"“{shorten(label(said), 60)}” names nothing to look for."
    words: Words = (
        "A document or order number, an amount, or when the change was made: ", Code("/data landed 1042"), ", ",
        Code("/data landed 1,250.00 quickbooks"), " or ", Code("/data landed change at 11:05"), ".",
    )  # fmt: skip
    return say(summary, (summary,), words, kind="landed")


def wanted_words(wanted: Sought, zone: str) -> str:
    """Return what is looked for, as one says it."""
    if wanted.kind is SoughtKind.INSTANT:
        return f"What changed by {times.absolute(wanted.instant, zone)}"
    if wanted.kind is SoughtKind.AMOUNT:
        return f"A record over {_money(wanted.amount)}"
    return f"Number {shorten(label(wanted.text), 60)}"


def _found(hit: Hit, *, amounts: bool) -> Words:
    words: list[Inline] = [Strong(source_title(hit.source)), ": "]
    row = hit.row
    if row is not None:
        amount = (
            f", {_money(row.amount)} {label(row.currency or '', empty='')}".rstrip() if row.amount is not None else ""
        )
        day = f", of {times.day(row.day)}" if row.day is not None else ""
        words.append(f"{row.noun} {shorten(label(row.number), 80)}{amount if amounts else ''}{day}, ")
    words += ["in the data as of ", When(hit.as_of)] if hit.as_of is not None else ["in the data"]
    words += [" (receipt ", Code(hit.receipt), ")."] if hit.receipt else ["."]
    return tuple(words)


def _not_yet(organization: str, answer: LandedAnswer, now: datetime, zone: str) -> Message:
    what = wanted_words(answer.wanted, zone)
    title = f"{what} is not in yet"
    parts: list[Part] = [Heading(title)]
    if answer.hits:
        waiting = "It is collected and being made ready to import; until that has ended it is in nobody's import."
        parts.append(Paragraph((waiting,)))
    parts.append(Facts(_rows(answer.standings, now)))
    if answer.watching_until is not None:
        parts.append(
            Paragraph(
                (
                    "You are told by direct message, once, when it lands. It is watched until ",
                    When(answer.watching_until),
                    ".",
                )
            )
        )
    else:
        parts.append(
            Paragraph(("Nothing is watched: nothing there is collected, or you wait for 20 changes already.",))
        )
    return Message(f"{label(organization)}: {title}.", tuple(parts), kind="landed")


def _rows(standings: Sequence[Standing], now: datetime) -> tuple[tuple[str, Words], ...]:
    return tuple((shorten(source_title(one.source), 60), _stands(one, now)) for one in standings[:_MOST])


def _stands(one: Standing, now: datetime) -> Words:
    known: Words = ("complete as of ", When(one.as_of)) if one.as_of else ("no data yet",)
    if one.running:
        return (*known, "; a collection is under way now")
    if one.next_at is not None:
        return (*known, "; next collection ", When(one.next_at, now))
    return (*known, "; no next collection is planned")


def _money(amount: Decimal) -> str:
    exact = amount.normalize()
    places = max(2, -int(exact.as_tuple().exponent))
    return f"{amount:,.{places}f}"
