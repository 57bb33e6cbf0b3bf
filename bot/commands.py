"""What `/data` and plain words ask for: status, refresh (which only asks), history, help."""

from collections.abc import Sequence
from dataclasses import replace

from rapidfuzz import fuzz, process

from bot import names, share, values
from bot.case import Case
from bot.questions import Intent, Question
from bot.reply import Reply
from jobs.refresh.ask import Scope
from storage.facts.messages import Message
from storage.facts.people import Action
from storage.facts.shared import Shareable
from storage.facts.sources import ConnectionState, Provider, Source
from storage.facts.status import SourceStatus
from templates import notices
from templates.notices.feedback import feedback_parts

VERBS = (
    *("status", "refresh", "history", "schedule", "connect", "reconnect", "disconnect", "members", "channel"),
    *("promise", "metrics", "metric"),
    *("mute", "snooze", "escalation"),
    *("webhooks", "api"),
    *("audit", "help", "reread", "receipt", "why", "landed"),
    *("deliveries", "notify"),
    "exchange",
)
_NEAR = 60.0
_HISTORY_RUNS = 10
_HISTORY_SOURCES = 5


def read_command(words: str) -> Question:
    """Return what the words after `/data` ask for; anything that is no command is read as a sentence."""
    first, _, rest = words.strip().partition(" ")
    verb = first.casefold()
    if not verb:
        return Question(Intent.STATUS)
    if verb in VERBS:
        return Question(Intent(verb), rest.strip())
    if nearest_verb(verb) is not None:
        return Question(Intent.UNKNOWN, words)
    return Question(Intent.QUESTION, words)


def nearest_verb(word: str) -> str | None:
    """Return the command that a word with typing errors most likely is."""
    # Too many words of questions are nearly `api`.
    known = [verb for verb in VERBS if verb != "api"]
    close = process.extractOne(word[:40].casefold(), known, scorer=fuzz.ratio, score_cutoff=_NEAR)
    return close[0] if close else None


async def status(case: Case) -> Reply:
    """Show how fresh the data is: of everything, or of what the words name; members who ask the same share a look."""
    same = (case.member.organization_id, case.zone, case.about, manages(case), share.offered(case))
    return await case.together.look(same, lambda: _status(case))


async def _status(case: Case) -> Reply:
    known = await case.services.status.all(case.actor)
    chosen = _chosen(case, [entry.source for entry in known])
    if isinstance(chosen, Message):
        return case.say(chosen)
    told = await status_told(case, known, chosen)
    return case.say(share.with_button(case, told, share.about(Shareable.STATUS, chosen)))


async def status_told(
    case: Case, known: Sequence[SourceStatus], chosen: Sequence[Source], *, offers: bool = True
) -> Message:
    """Return the state of these sources (none: of all); without `offers` nothing to press that begins anything."""
    who = await case.names()
    if not known:
        return notices.no_sources(who.organization, who.admins)
    scope = Scope(everything=not chosen, source_ids=tuple(source.id for source in chosen))
    shown = await _shown(case, known, chosen)
    fits = offers and len(chosen) <= values.MOST_SOURCES
    value = values.pack(values.new_card(), scope) if fits else None
    return notices.status(
        who.organization, shown, case.now,
        zone=case.zone, refresh_value=value, admins=who.admins, manages=manages(case) if offers else frozenset(),
    )  # fmt: skip


def manages(case: Case) -> frozenset[Provider]:
    """Return the providers whose connections the person may renew and end."""
    if not (case.may(Action.CONNECT) and case.may(Action.DISCONNECT)):
        return frozenset()
    return frozenset(offer.provider for offer in case.services.connect.catalogue())


async def _shown(case: Case, known: Sequence[SourceStatus], chosen: Sequence[Source]) -> Sequence[SourceStatus]:
    if len(chosen) == 1:
        return [await case.services.status.one(case.actor, chosen[0].id)]
    wanted = {source.id for source in chosen}
    return [entry for entry in known if not wanted or entry.source.id in wanted]


async def refresh(case: Case) -> Reply:
    """Show the card that asks; nothing starts before it is clicked."""
    known = await case.services.status.sources(case.actor)
    chosen = _chosen(case, known)
    if isinstance(chosen, Message):
        return case.say(chosen)
    if not known:
        who = await case.names()
        return case.say(notices.no_sources(who.organization, who.admins))
    everything = not chosen or len(chosen) > values.MOST_SOURCES
    scope = Scope(everything=everything, source_ids=() if everything else tuple(source.id for source in chosen))
    return case.say(await confirm_card(case, scope))


async def confirm_card(case: Case, scope: Scope, card: str | None = None) -> Message:
    """Return the card that asks whether to refresh; for one disconnected source, why that is not possible.

    `card` is its id where the same question may be asked again, such as by a form that is sent twice.
    """
    statuses = await case.services.refresh.ask(case.actor, scope)
    who = await case.names()
    if len(statuses) == 1 and statuses[0].source.connection is ConnectionState.DISCONNECTED:
        lost = statuses[0]
        return notices.disconnected(
            who.organization, lost.source, last_data_refresh=lost.last_data_refresh, admins=who.admins
        )
    card = card or values.new_card()
    stale = Scope(everything=scope.everything, source_ids=scope.source_ids, only_stale=True)
    return notices.confirm_refresh(
        who.organization,
        statuses,
        case.now,
        value=values.pack(card, scope),
        stale_value=values.pack(card, stale) if len(statuses) > 1 else None,
        admins=who.admins,
    )


async def history(case: Case) -> Reply:
    """Show what happened lately, source by source."""
    known = await case.services.status.sources(case.actor)
    chosen = _chosen(case, known)
    if isinstance(chosen, Message):
        return case.say(chosen)
    who = await case.names()
    if not known:
        return case.say(notices.no_sources(who.organization, who.admins))
    told = await history_told(case, chosen, known)
    return case.say(share.with_button(case, told, share.about(Shareable.HISTORY, chosen)))


async def history_told(case: Case, chosen: Sequence[Source], known: Sequence[Source]) -> Message:
    """Return what happened lately to these sources (none: to all)."""
    who = await case.names()
    listed = (chosen or known)[:_HISTORY_SOURCES]
    if len(listed) == 1:
        runs, receipts = await case.services.status.history(case.actor, listed[0].id, _HISTORY_RUNS)
        admin = case.may(Action.SEE_AUDIT)
        held = await case.services.status.calibration(case.actor, listed[0].id) if admin else None
        told = notices.history(
            who.organization, listed[0], runs, case.now, receipts=receipts, zone=case.zone, calibration=held
        )
        said = await case.services.feedback.told(case.actor, listed[0].id) if admin else []
        return replace(told, parts=(*told.parts, *feedback_parts(said)))
    runs = []
    for source in listed:
        newest, _ = await case.services.status.history(case.actor, source.id, _HISTORY_RUNS // len(listed) + 1)
        runs += newest
    sources = {source.id: source for source in listed}
    told = notices.history(who.organization, None, runs, case.now, sources=sources, zone=case.zone)
    said = await case.services.feedback.told(case.actor) if case.may(Action.SEE_AUDIT) else []
    return replace(told, parts=(*told.parts, *feedback_parts(said)))


async def help_(case: Case) -> Reply:
    """Show what this person can ask."""
    return case.say(await help_told(case))


async def help_told(case: Case) -> Message:
    """Return what this person can ask, in order of use, and who does the rest."""
    may = [action for action in Action if case.may(action)]
    who = await case.names()
    return notices.help_text(may, case.member.role, who.admins, who.noun)


async def unknown(case: Case) -> Reply:
    """Say the nearest thing that can be done."""
    known = await case.services.status.sources(case.actor)
    return case.say(notices.unknown_command(case.about or "that", _nearest(case.about, known)))


def _nearest(words: str, known: Sequence[Source]) -> str | None:
    first, _, rest = names.plain(words).partition(" ")
    named = names.mentioned(words, known).sources
    source = named[0].provider.value if len({source.provider for source in named}) == 1 else ""
    verb = nearest_verb(first) if first else None
    if verb is None and not source:
        return None
    about = source or (rest if names.is_everything(rest) and verb == "refresh" else "")
    return f"{verb or 'status'} {about}".strip() if verb != "help" else "help"


def _chosen(case: Case, known: Sequence[Source]) -> list[Source] | Message:
    """Return the sources that the words mean (none: everything), or the answer to a name that is no source."""
    about = case.about
    if not about or names.is_everything(about):
        return []
    found = names.find(about, known)
    if found.sources:
        return list(found.sources)
    return notices.unknown_source(about, [source.label for source in known], found.guess)
