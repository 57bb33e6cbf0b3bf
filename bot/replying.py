"""The answer to one question that was understood, from the services that exist."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

from bot import commands, names, share, values, why
from bot.asking.facts import Asked, Intent, Span, Understood
from bot.asking.language import language
from bot.asking.nearest import nearest
from bot.case import Case
from bot.landed import look_for
from jobs.errors import NoAccessError, NotAllowedError, NotFoundError
from jobs.refresh.ask import Scope
from storage.facts.begun import Begun
from storage.facts.landed import Sought, SoughtKind
from storage.facts.messages import Message, Note
from storage.facts.people import Action
from storage.facts.shared import Answer, Shareable
from storage.facts.sources import Source
from storage.facts.status import SourceStatus
from templates import notices
from templates.notices import answering as words
from templates.notices import began, linked, metrics
from templates.text import listed
from templates.words import source_name

_RUNS = 50
#: "at 11" is about then
_ABOUT = timedelta(minutes=30)
#: what stands in these answers is how it is now, whatever time was asked for
_NOW = frozenset({Intent.STATUS, Intent.WHY_STALE, Intent.IS_RUNNING, Intent.DISCONNECTED})


class Question:
    """One question of a case, with the sources that it is about."""

    def __init__(self, case: Case, asked: Asked, found: Understood, known: Sequence[SourceStatus]) -> None:
        self.case = case
        self.asked = asked
        self.offers = found.offers
        self.declined = found.declined
        self.known = known
        meant = set(asked.source_ids)
        self.meant = [
            entry
            for entry in known
            if (asked.everything or entry.source.id in meant) and entry.source.id not in asked.except_ids
        ]

    @property
    def sources(self) -> list[Source]:
        """The sources that it is about."""
        return [entry.source for entry in self.meant]

    def scope(self) -> Scope:
        """Return what a button for these sources asks for."""
        whole = self.asked.everything and not self.asked.except_ids
        return Scope(everything=whole, source_ids=() if whole else tuple(source.id for source in self.sources))

    def value(self) -> str | None:
        """Return the value of a button that asks whether to refresh; None where none may be shown."""
        scope = self.scope()
        if not self.offers or not self.case.may(Action.START_REFRESH) or len(scope.source_ids) > values.MOST_SOURCES:
            return None
        return values.pack(values.new_card(), scope)

    def may_mend(self, source: Source) -> bool:
        """Whether the asker may connect the source again."""
        return source.provider in commands.manages(self.case)


async def answer(case: Case, asked: Asked, found: Understood, known: Sequence[SourceStatus]) -> Message:
    """Return the answer; names that are no source are said before anything else."""
    of = Question(case, asked, found, known)
    if asked.intent in (Intent.HELP, Intent.METRICS):
        return await commands.help_told(case) if asked.intent is Intent.HELP else await _metrics(of)
    if asked.intent is Intent.NOT_UNDERSTOOD:
        return _lost(of)
    if not known:
        who = await case.names()
        return notices.no_sources(who.organization, who.admins)
    labels = [entry.source.label for entry in known]
    if asked.unknown:
        # Another system is none of ours, however alike the names are.
        other = asked.unknown[0] in language().systems
        guess = None if other else names.find(asked.unknown[0], [entry.source for entry in known]).guess
        return await _of_metric(of) or notices.unknown_source(asked.unknown[0], labels, guess)
    if asked.unclear or not of.meant:
        return await _of_metric(of) or words.which_source(asked.words, labels)
    told = await _of_metric(of) or await _ANSWERS[asked.intent](of)
    return _as_of_now(told, asked, case) if asked.intent in _NOW else told


async def _of_metric(of: Question) -> Message | None:
    """Explain the metric whose name stands in a question that names no source; None where none does."""
    if of.asked.intent is not Intent.WHY_STALE or of.asked.source_ids:
        return None
    return await why.of_metric(of.case, of.asked.words, offers=of.offers)


async def refused(case: Case, error: NotAllowedError | NoAccessError) -> Message:
    """Return the words for one of several questions that the asker may not ask."""
    if isinstance(error, NoAccessError):
        return notices.no_access(error.standing, value=values.pack(values.new_card(), error.scope))
    if error.needed is None:
        return notices.not_a_member()
    names = await case.names()
    return notices.not_allowed(error.action, error.needed, names.admins, names.noun)


async def _metrics(of: Question) -> Message:
    """Return the metric of that name, or all of them where none is named."""
    name = of.asked.metric
    if name is None:
        found = await of.case.services.metrics.all(of.case.actor)
        told = metrics.metrics_list((await of.case.names()).organization, found, of.case.now)
        return share.with_button(of.case, told, Answer(Shareable.METRICS))
    try:
        one = await of.case.services.metrics.one(of.case.actor, name)
    except NotFoundError:
        return metrics.metric_missing(name, await of.case.services.making.noun(of.case.actor))
    told = metrics.metric_shown(one, of.case.now)
    return share.with_button(of.case, told, Answer(Shareable.METRIC, metric_id=one.metric.id))


def _lost(of: Question) -> Message:
    sources = [entry.source for entry in of.known]
    examples = nearest(of.asked.words, sources, of.asked.source_ids, offers=of.offers and not of.declined)
    about = listed([source_name(one) for one in sources if one.id in of.asked.source_ids]) if of.asked.unclear else ""
    return words.not_understood(of.asked.words, examples, declined=of.declined, about=about)


def _as_of_now(told: Message, asked: Asked, case: Case) -> Message:
    """Say that the answer is about now, where another time was asked for."""
    span = asked.span
    if span is None or (span.at is None and span.end is None):
        return told
    then = began.period(span.start, span.end, span.at, case.zone)
    note = Note((f"You asked how it was {then}; this is how it stands now.",))
    return Message(told.summary, (note, *told.parts), told.subject, told.kind)


async def _status(of: Question) -> Message:
    chosen = [] if of.asked.everything and not of.asked.except_ids else of.sources
    told = await commands.status_told(of.case, of.known, chosen, offers=of.offers)
    return share.with_button(of.case, told, share.about(Shareable.STATUS, chosen))


async def _when_last(of: Question) -> Message:
    if of.asked.person is not None:
        return await _who_started(of)
    span = of.asked.span
    since = (span.start or span.at) if span else None
    return words.when_last(of.meant, of.case.now, of.case.zone, since=since, value=of.value())


async def _when_next(of: Question) -> Message:
    return words.when_next(of.meant, of.case.now, of.case.zone)


async def _why(of: Question) -> Message:
    return await why.told(of.case, of.meant, offers=of.offers, asks_mail=why.asks_mail(of.asked.words))


async def _who_started(of: Question) -> Message:
    begun, when, cut = await _lately(of, lambda one: one.run.clocks.requested_at)
    return began.who_started(of.sources, begun, of.case.now, of.case.zone, person=of.asked.person, when=when, cut=cut)


async def _how_long(of: Question) -> Message:
    by = of.asked.span.end if of.asked.span else None
    return words.how_long(of.meant, of.case.now, of.case.zone, by=by, value=of.value())


async def _is_running(of: Question) -> Message:
    return words.is_running(of.meant, of.case.now, of.case.zone)


async def _what_changed(of: Question) -> Message:
    if of.asked.span is None:
        return words.what_changed(of.meant, of.case.now, of.case.zone)
    begun, when, cut = await _lately(of, lambda one: one.run.clocks.ready_at)
    return began.changed_since(of.sources, begun, of.case.now, when=when, cut=cut)


async def _disconnected(of: Question) -> Message:
    admins = (await of.case.names()).admins
    return linked.disconnected(of.meant, of.case.now, of.case.zone, admins=admins, may=of.may_mend)


async def _how_reconnect(of: Question) -> Message:
    admins = (await of.case.names()).admins
    return linked.how_reconnect(of.meant, of.case.now, admins=admins, may=of.may_mend, asks=not of.asked.everything)


async def _what_can_refresh(of: Question) -> Message:
    admins = (await of.case.names()).admins
    may = of.case.may(Action.START_REFRESH)
    return linked.what_can_refresh(of.meant, of.case.now, may=may, admins=admins, value=of.value())


async def _landed(of: Question) -> Message:
    return await look_for(of.case, _sought(of), [] if of.asked.everything else of.sources, of.asked.words)


def _sought(of: Question) -> Sought | None:
    asked = of.asked
    if asked.amount is not None:
        return Sought(SoughtKind.AMOUNT, asked.amount)
    if asked.document is not None:
        return Sought(SoughtKind.NUMBER, _as_typed(asked.document, of.case.about))
    at = (asked.span.at or asked.span.start) if asked.span else None
    return Sought(SoughtKind.INSTANT, at.isoformat()) if at is not None else None


def _as_typed(number: str, words_typed: str) -> str:
    """Return a record's number in the letters in which it was typed."""
    found = words_typed.casefold().find(number)
    typed = words_typed[found : found + len(number)] if found >= 0 else number
    return typed if typed.casefold() == number else number


async def _history(of: Question) -> Message:
    whole = of.asked.everything
    chosen = [] if whole and not of.asked.except_ids else of.sources
    told = await commands.history_told(of.case, [] if whole else of.sources, of.sources)
    return share.with_button(of.case, told, share.about(Shareable.HISTORY, chosen))


async def _refresh(of: Question) -> Message:
    scope = of.scope()
    if len(scope.source_ids) > values.MOST_SOURCES:
        return words.which_source(of.asked.words, [source.label for source in of.sources])
    return await commands.confirm_card(of.case, scope)


async def _lately(of: Question, at: Callable[[Begun], datetime | None]) -> tuple[list[Begun], str, bool]:
    """Return the newest runs of the time that was asked for, that time in words, and whether it has older ones."""
    ids = [source.id for source in of.sources]
    begun = await of.case.services.status.begun(of.case.actor, ids, _RUNS)
    span = of.asked.span
    if span is None:
        return begun, "", False
    start, end = _around(span)
    inside = [
        one
        for one in begun
        if (moment := at(one)) is not None and (start is None or moment >= start) and (end is None or moment < end)
    ]
    oldest = begun[-1].run.clocks.requested_at if begun else None
    cut = len(begun) == _RUNS and oldest is not None and (start is None or oldest > start)
    return inside, began.period(span.start, span.end, span.at, of.case.zone), cut


def _around(span: Span) -> tuple[datetime | None, datetime | None]:
    return (span.start, span.end) if span.at is None else (span.at - _ABOUT, span.at + _ABOUT)


_ANSWERS: Mapping[Intent, Callable[[Question], Awaitable[Message]]] = {
    Intent.STATUS: _status,
    Intent.WHEN_LAST: _when_last,
    Intent.WHEN_NEXT: _when_next,
    Intent.WHY_STALE: _why,
    Intent.WHO_STARTED: _who_started,
    Intent.HOW_LONG: _how_long,
    Intent.IS_RUNNING: _is_running,
    Intent.WHAT_CHANGED: _what_changed,
    Intent.LANDED: _landed,
    Intent.HISTORY: _history,
    Intent.DISCONNECTED: _disconnected,
    Intent.HOW_RECONNECT: _how_reconnect,
    Intent.WHAT_CAN_REFRESH: _what_can_refresh,
    Intent.REFRESH: _refresh,
}
