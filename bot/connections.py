"""Connecting and reconnecting, as far as Slack goes: the catalogue, and a link for the one person who asks."""

from bot import names
from bot.case import Case
from bot.reply import Reply
from jobs.errors import AlreadyConnectedError, FlowRefusedError, NotFoundError
from storage.facts.messages import Message
from storage.facts.sources import ConnectionState, Provider, Source
from templates import notices


async def connect(case: Case) -> Reply:
    """Show what can be connected; for a provider that is named, give its link at once."""
    named = names.nickname(names.plain(case.about)) or names.nicknamed(case.about)
    offers = {offer.provider: offer for offer in case.services.connect.catalogue()}
    chosen = next((provider for provider in offers if provider.value == named), None)
    if chosen is not None:
        return await _link(case, chosen)
    who = await case.names()
    listed = [(offer.provider, offer.line, offer.help_url) for offer in offers.values()]
    return case.say(notices.catalogue(who.organization, listed))


async def picked(case: Case) -> Reply:
    """Give the link for the provider that was picked from the catalogue."""
    offered = {offer.provider.value: offer.provider for offer in case.services.connect.catalogue()}
    if case.request.value not in offered:
        raise NotFoundError
    return await _link(case, offered[case.request.value])


async def reconnect(case: Case) -> Reply:
    """Give the link for the one source that is named, or that is disconnected; ask where there are several."""
    known = await case.services.status.connections(case.actor)
    chosen = _meant(case, known)
    if isinstance(chosen, Message):
        return case.say(chosen)
    if len(chosen) == 1:
        return await _link(case, chosen[0].provider, chosen[0])
    who = await case.names()
    return case.say(notices.choose_reconnect(who.organization, chosen))


async def reconnect_picked(case: Case) -> Reply:
    """Give the link for the source whose button was pressed."""
    known = {source.id: source for source in await case.services.status.connections(case.actor)}
    if case.request.value not in known:
        raise NotFoundError
    source = known[case.request.value]
    return await _link(case, source.provider, source)


def _meant(case: Case, known: list[Source]) -> list[Source] | Message:
    if not case.about or names.is_everything(case.about):
        lost = [source for source in known if source.connection is ConnectionState.DISCONNECTED]
        return lost if len(lost) == 1 else known
    found = names.find(case.about, known)
    if not found.sources:
        return notices.unknown_source(case.about, [source.label for source in known], found.guess)
    lost = [source for source in found.sources if source.connection is ConnectionState.DISCONNECTED]
    return lost if len(lost) == 1 else list(found.sources)


async def _link(case: Case, provider: Provider, source: Source | None = None) -> Reply:
    """Return the message with the link: for the clicker's eyes only, wherever it was asked for."""
    who = await case.names()
    try:
        made = await case.services.connect.link(case.actor, provider, case.trigger, source.id if source else None)
    except AlreadyConnectedError as error:
        return case.say(notices.already_connected(who.organization, error.source))
    except FlowRefusedError as error:
        return case.say(notices.not_connectable(who.organization, error.said))
    return case.say(notices.connect_link(who.organization, provider, made.url.reveal(), made.expires_at, source=source))
