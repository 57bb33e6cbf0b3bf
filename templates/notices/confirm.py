"""The question before a refresh: what will happen, how long it usually takes, what QuickBooks can and cannot do."""

from collections.abc import Sequence
from datetime import datetime

from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Facts,
    Heading,
    Message,
    Note,
    Paragraph,
    Part,
    Strong,
    When,
)
from storage.facts.sources import CollectMode, ConnectionState, Freshness, Source
from storage.facts.status import SourceStatus
from templates import actions
from templates.gate import state_words
from templates.notices.partly import as_of, lacks
from templates.notices.pieces import Words, doing, usual
from templates.notices.status import urgent_first
from templates.rhythm import rhythm
from templates.text import counted, label, listed
from templates.words import provider_name, short_names, source_title, who

#: Sources beyond this many are told as a sum, so that the buttons stay in sight.
_SHOWN = 6
#: For somebody to whom no mail can be sent.
SLACK_ONLY = "Slack only: your Slack profile has no e-mail address, so this is confirmed here and not by mail."


def confirm_refresh(
    organization: str,
    statuses: Sequence[SourceStatus],
    now: datetime,
    *,
    value: str,
    stale_value: str | None = None,
    dismiss_value: str = "",
    admins: Sequence[str] = (),
) -> Message:
    """Return the card that asks before anything starts.

    `value`, `stale_value` and `dismiss_value` are the ids that the buttons carry; the second one starts only the
    sources that are not fresh, and is offered, as the first choice, only where that is a smaller refresh.
    """
    able = [entry for entry in urgent_first(statuses) if _connected(entry)]
    left_out = [entry.source for entry in statuses if not _connected(entry)]
    names = short_names([entry.source for entry in statuses])
    parts = _question(able, now, len(statuses))
    parts += [Paragraph(words) for words in _timer_words(able, now)]
    parts += [Paragraph(_left_out(left_out, names, admins))] if left_out else []
    stale = [entry for entry in able if entry.freshness is not Freshness.FRESH]
    parts.append(_buttons(able, stale, value, stale_value, dismiss_value))
    asked = _what(able, len(statuses)) if able else "no source"
    nothing = f"{label(organization)}: nothing can be refreshed, {listed(list(names.values()))} is disconnected."
    summary = f"{label(organization)}: refresh {asked}? Nothing has started yet." if able else nothing
    return Message(summary=summary, parts=tuple(parts), kind="refresh_confirm")


def _connected(status: SourceStatus) -> bool:
    return status.source.connection is not ConnectionState.DISCONNECTED


def _what(able: Sequence[SourceStatus], asked: int) -> str:
    if len(able) == 1:
        return provider_name(able[0].source.provider)
    if len(able) < asked:
        return f"{len(able)} of {asked} sources"
    return "both sources" if asked == 2 else f"all {asked} sources"


def _question(able: Sequence[SourceStatus], now: datetime, asked: int) -> list[Part]:
    if not able:
        return [Heading("Nothing can be refreshed now")]
    if len(able) == 1:
        return [Heading(f"Refresh {source_title(able[0].source)}?"), Facts(_facts(able[0], now))]
    stale = sum(entry.freshness is not Freshness.FRESH for entry in able)
    fresh = len(able) - stale
    parts: list[Part] = [Heading(f"Refresh {_what(able, asked)}?")]
    names = short_names([entry.source for entry in able])
    rows = tuple((f"{names[entry.source.id]}: {state_words(entry)}", _brief(entry, now)) for entry in able[:_SHOWN])
    parts.append(Facts(rows))
    if len(able) > _SHOWN:
        parts.append(Note((f"… {counted(len(able) - _SHOWN, 'more source')}.",)))
    if stale and fresh:
        rest = "the one that is" if stale == 1 else f"the {stale} that are"
        question = f"{counted(fresh, 'source is', 'sources are')} fresh already. Refresh only {rest} not?"
        parts.append(Paragraph((question,)))
    elif not stale:
        them = "Both" if fresh == 2 else "All of them"
        parts.append(Paragraph((f"{them} are fresh already; you can refresh them all the same.",)))
    return parts


def _brief(status: SourceStatus, now: datetime) -> Words:
    words: Words = ("data as of ", *as_of(status.last_data_refresh, lacks(status.last_ready), "never", now=now))
    took = usual(status.duration)
    return (*words, "; usually takes ", *took) if took else words


def _facts(status: SourceStatus, now: datetime) -> tuple[tuple[str, Words], ...]:
    rows: list[tuple[str, Words]] = [
        ("Source", (label(status.source.label),)),
        ("Last data refresh (data as of)", as_of(status.last_data_refresh, lacks(status.last_ready), "never", now=now)),
        ("State", (state_words(status),)),
    ]
    if took := usual(status.duration):
        rows.append(("Usually takes", took))
    if status.active:
        rows.append(("Running now", (*doing(status.active, now), "; you will join it")))
    return tuple(rows)


def _timer_words(able: Sequence[SourceStatus], now: datetime) -> list[Words]:
    """Return, for each provider that the clock collects, what a refresh can and cannot do."""
    timed = [entry for entry in able if entry.source.mode is CollectMode.TIMER]
    kinds = sorted({entry.source.provider for entry in timed})
    return [_timer([entry for entry in timed if entry.source.provider is kind], now) for kind in kinds]


def _timer(statuses: Sequence[SourceStatus], now: datetime) -> Words:
    status = statuses[0]
    how_often = rhythm(status.source, status.stretched_minutes)
    collected: Words = ()
    if status.last_data_refresh and len(statuses) == 1:
        collected = (" Collected ", When(status.last_data_refresh, now))
        collected += (", next ", When(status.next_run_at, now), ".") if status.next_run_at else (".",)
    return (
        Strong(f"{provider_name(status.source.provider)} is different."),
        f" It is collected by a timer {how_often}, never by this button. ",
        "A refresh makes ready what is already collected; what was entered later comes with the next collection.",
        *collected,
    )


def _left_out(sources: Sequence[Source], names: dict[str, str], admins: Sequence[str]) -> Words:
    many = len(sources) > 1
    return (
        Strong(f"Left out: {listed([names[source.id] for source in sources])}."),
        f" {'They are' if many else 'It is'} disconnected, so no new data can come. ",
        f"Next step: {who(admins)} can reconnect {'them' if many else 'it'} with /data reconnect.",
    )


def _buttons(
    able: Sequence[SourceStatus], stale: Sequence[SourceStatus], value: str, stale_value: str | None, dismiss_value: str
) -> Part:
    cancel = Button("Cancel", actions.REFRESH_DISMISS, dismiss_value)
    if not able:
        return Buttons((Button("Close", actions.REFRESH_DISMISS, dismiss_value),))
    if stale_value is None or not stale or len(stale) == len(able):
        return Buttons((Button("Confirm", actions.REFRESH_CONFIRM, value, ButtonStyle.PRIMARY), cancel))
    # What is fresh already is read again only by whoever wants that.
    needed = Button(
        f"Confirm for what is not fresh ({len(stale)})", actions.REFRESH_STALE, stale_value, ButtonStyle.PRIMARY
    )
    return Buttons((needed, Button(f"Confirm for all ({len(able)})", actions.REFRESH_CONFIRM, value), cancel))


def dismissed() -> Message:
    """Return the words after Cancel: nothing happened."""
    said = "Nothing was started."
    return Message(summary=said, parts=(Paragraph((said,)),), kind="refresh_dismissed")


def queued(
    organization: str,
    sources: Sequence[Source],
    *,
    left_out: Sequence[Source] = (),
    where: str | None = None,
    slack_only: bool = False,
) -> Message:
    """Return the words that replace the confirm card once the refresh is accepted.

    `left_out` are the disconnected sources; `where` says where the card is: ``in #finance``. `slack_only`: there is no
    address to which the confirmation could be mailed.
    """
    names = short_names([*sources, *left_out])
    said = f"{label(organization)}: the refresh of {listed([names[source.id] for source in sources])} is accepted."
    told = f" Left out, because disconnected: {listed([names[source.id] for source in left_out])}." if left_out else ""
    place = f" Progress is shown {where}." if where else ""
    parts: list[Part] = [Paragraph((f"{said}{told}{place}",))]
    parts += [Note((SLACK_ONLY,))] if slack_only else []
    return Message(summary=said, parts=tuple(parts), kind="refresh_queued")
