"""`/data why`, the same in plain words, and the button on whatever is late or failed: one cause, from evidence."""

import re
from collections.abc import Sequence

from bot import names, share, values
from bot.case import Case
from bot.numbers import plain_words
from bot.reply import Reply
from jobs.errors import NotFoundError
from jobs.refresh.ask import Scope
from storage.facts.messages import Message
from storage.facts.metric_why import MetricWhy
from storage.facts.people import Action
from storage.facts.shared import Answer, Shareable
from storage.facts.sources import Source
from storage.facts.status import SourceStatus
from templates import notices
from templates.notices.metric_why import metric_why
from templates.notices.status import urgent_first
from templates.notices.why import why as explained
from templates.words import provider_name

_MAIL = re.compile(r"\b(?:e-?mails?|mails?|confirmations?|inbox|notification|notified|told)\b")


async def why(case: Case) -> Reply:
    """Explain the source that the words name; without one, the one that needs it most."""
    known = await case.services.status.sources(case.actor)
    if not known:
        who = await case.names()
        return case.say(notices.no_sources(who.organization, who.admins))
    chosen = _named(case, known)
    # A source by its whole name is looked up nowhere; a metric may have the name of one in its own.
    if case.about and not (chosen and names.find(case.about, known).sources):
        about = await _of_metric(case, case.about)
        if about is not None:
            return about
    if not chosen and case.about and not names.is_everything(case.about) and not _only_mail(case):
        guess = names.find(case.about, known).guess
        return case.say(notices.unknown_source(case.about, [source.label for source in known], guess))
    if not chosen:
        chosen = [entry.source for entry in urgent_first(await case.services.status.all(case.actor))]
    return await _explained(case, chosen[0], chosen[1:])


async def metric_pressed(case: Case) -> Reply:
    """Explain the metric of the card whose button was pressed."""
    try:
        found = await case.services.explain.metric_of(case.actor, case.request.value)
    except NotFoundError:
        return case.say(notices.not_found())
    return case.say(await _metric_words(case, found, offers=True))


async def of_metric(case: Case, words: str, *, offers: bool) -> Message | None:
    """Return the explanation of the metric that the words name; None when they name none."""
    found = await case.services.explain.metric(case.actor, words)
    return await _metric_words(case, found, offers=offers) if found is not None else None


async def _of_metric(case: Case, words: str) -> Reply | None:
    told = await of_metric(case, plain_words(words), offers=True)
    return case.say(told) if told is not None else None


async def _metric_words(case: Case, found: MetricWhy, *, offers: bool) -> Message:
    who = await case.names()
    scope = Scope(everything=False, source_ids=(found.evidence.source.evidence.status.source.id,))
    value = values.pack(values.new_card(), scope) if offers and case.may(Action.START_REFRESH) else None
    told = metric_why(found, zone=case.zone, admins=who.admins, refresh_value=value,
                      changes=offers and case.may(Action.CHANGE_METRICS))  # fmt: skip
    wanted = Answer(Shareable.METRIC_WHY, metric_id=found.evidence.shown.metric.id)
    return share.with_button(case, told, wanted) if offers else told


async def told(case: Case, meant: Sequence[SourceStatus], *, offers: bool, asks_mail: bool) -> Message:
    """Return the explanation of the source that needs it most, of these; without `offers` nothing to press for more."""
    first, *others = [entry.source for entry in urgent_first(meant)]
    return await _words(case, first, others, offers=offers, asks_mail=asks_mail)


async def pressed(case: Case) -> Reply:
    """Explain the source of the message whose button was pressed."""
    known = await case.services.status.sources(case.actor)
    chosen = [source for source in known if source.id == case.request.value]
    return await _explained(case, chosen[0], []) if chosen else case.say(notices.not_found())


def _named(case: Case, known: Sequence[Source]) -> list[Source]:
    if not case.about or names.is_everything(case.about):
        return []
    return list(names.find(case.about, known).sources or names.mentioned(case.about, known).sources)


def _only_mail(case: Case) -> bool:
    return asks_mail(case.about)


def asks_mail(words: str) -> bool:
    """Whether the words ask for a message that did not come."""
    return _MAIL.search(names.plain(words)) is not None


async def _explained(case: Case, source: Source, others: Sequence[Source]) -> Reply:
    return case.say(await _words(case, source, others, offers=True, asks_mail=_only_mail(case)))


async def _words(case: Case, source: Source, others: Sequence[Source], *, offers: bool, asks_mail: bool) -> Message:
    found = await case.services.explain.why(case.actor, source.id, asks_mail=asks_mail)
    who = await case.names()
    scope = Scope(everything=False, source_ids=(source.id,))
    value = values.pack(values.new_card(), scope) if offers and case.may(Action.START_REFRESH) else None
    told = explained(
        who.organization,
        found,
        zone=case.zone,
        admins=who.admins,
        refresh_value=value,
        others=[provider_name(one.provider).lower() for one in others],
    )
    return share.with_button(case, told, share.about(Shareable.WHY, [source]))
