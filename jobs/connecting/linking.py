"""The link: for one member, one organization, one provider and, to reconnect, one source."""

from datetime import datetime

from jobs.authorize import authorize
from jobs.connecting import reasons, trail
from jobs.connecting.companies import EXCHANGED, books_held
from jobs.connecting.finding import in_browser, linked
from jobs.connecting.marks import LINK_LIVES, hash_of, new_mark
from jobs.connecting.means import Means
from jobs.connecting.showing import view
from jobs.connecting.views import FlowView, Link, Offer
from jobs.errors import AlreadyConnectedError, FlowRefusedError, NotFoundError, TooLateError
from jobs.refresh.ask import TriggerKey
from storage.facts.flows import FlowState
from storage.facts.ids import derived_id
from storage.facts.people import Action, Actor, Member
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from storage.records import flows, organizations, sources, triggers
from storage.sessions import Session
from templates.words import PROVIDERS

#: Where each provider explains itself how apps are connected.
_HELP = {
    Provider.QUICKBOOKS: "https://quickbooks.intuit.com/learn-support/",
    Provider.SHOPIFY: "https://help.shopify.com/en/manual/apps",
    Provider.AMAZON: "https://sellercentral.amazon.com/help/hub",
    Provider.NETSUITE: "https://docs.oracle.com/en/cloud/saas/netsuite/",
    # Its maker publishes nothing about files and orders: what to have at hand stands on a page of ours.
    Provider.POCKETADVANTAGE: "/connect/help/pocketadvantage",
}


def catalogue(means: Means) -> tuple[Offer, ...]:
    """Return what can be connected: every provider whose consent is built."""
    offers = []
    for provider in Provider:
        try:
            grants = means.grants_for(provider)
        except KeyError:
            continue
        page = _HELP[provider]
        address = f"{means.public_url}{page}" if page.startswith("/") else page
        offers.append(Offer(provider, PROVIDERS[provider], grants.line, address))
    return tuple(offers)


async def make_link(means: Means, actor: Actor, provider: Provider, trigger: TriggerKey, source_id: str | None) -> Link:
    """Make a link for the actor; the same trigger again gives the same flow a new one, unless it was begun."""
    member = authorize(actor, Action.CONNECT)
    mark = new_mark()

    def work(session: Session) -> Link:
        now = means.clock.now()
        organizations.lock(session, member.organization_id)
        _check(session, means, member, provider, source_id)
        flow_id = triggers.first_result(session, trigger.team_id, trigger.trigger_id)
        if flow_id is not None:
            return _again(session, means, member, flow_id, mark)
        flow_id = derived_id("flw", trigger.team_id, trigger.trigger_id)
        _supersede(session, member, provider, source_id, now)
        triggers.remember(session, trigger.team_id, trigger.trigger_id, flow_id, now)
        flows.add(
            session,
            flow_id,
            member,
            provider,
            source_id,
            link_hash=hash_of("link", mark),
            now=now,
            expires_at=now + LINK_LIVES,
        )
        flow = flows.find(session, flow_id)
        if flow is None:
            raise NotFoundError
        trail.note(session, flow, trail.LINKED, now)
        return _link(means, flow_id, mark, flow.expires_at)

    link = await means.desk.write(work)
    means.checkpoint("flow.linked")
    return link


async def look(means: Means, link: Secret, browser: Secret | None) -> FlowView:
    """Return what a link's page shows; changes nothing, so that scanners and previews may look too."""

    def work(session: Session) -> FlowView:
        now = means.clock.now()
        flow = linked(session, link, now)
        if flow.browser_hash is not None:
            in_browser(flow, browser)
        return view(session, means, flow, now)

    return await means.desk.read(work)


def _check(session: Session, means: Means, member: Member, provider: Provider, source_id: str | None) -> None:
    if source_id is not None:
        source = sources.visible_connection(session, member.organization_id, source_id)
        if source is None or source.provider is not provider:
            raise NotFoundError
    if provider in EXCHANGED and not books_held(session, member.organization_id):
        raise FlowRefusedError(reasons.NO_BOOKS, reasons.said(reasons.NO_BOOKS, PROVIDERS[provider]))
    if provider in means.one_per_organization:
        held = [one for one in flows.sources_held(session, member.organization_id, provider) if one != source_id]
        if held:
            raise AlreadyConnectedError(sources.source(session, held[0]))


def _again(session: Session, means: Means, member: Member, flow_id: str, mark: Secret) -> Link:
    flow = flows.find(session, flow_id)
    if flow is None or flow.member_id != member.id:
        raise NotFoundError
    if means.clock.now() >= flow.expires_at or not flows.link_again(session, flow, hash_of("link", mark)):
        raise TooLateError("that link was used already; ask for a new one")
    return _link(means, flow_id, mark, flow.expires_at)


def _supersede(session: Session, member: Member, provider: Provider, source_id: str | None, now: datetime) -> None:
    for older in flows.not_begun(session, member.id, provider, source_id):
        words = reasons.said(reasons.SUPERSEDED, "")
        flows.fail(session, older, FlowState.EXPIRED, now, reasons.SUPERSEDED, said=words)


def _link(means: Means, flow_id: str, mark: Secret, expires_at: datetime) -> Link:
    return Link(flow_id, Secret(f"{means.public_url}/connect/l/{mark.reveal()}"), expires_at)
