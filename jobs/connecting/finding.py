"""Which flow a link, a cookie or a state leads to, and whether its person may still go on."""

from datetime import datetime

from jobs.authorize import authorize
from jobs.connecting.marks import LINK_LIVES, hash_of, same
from jobs.connecting.means import Means
from jobs.errors import FlowGoneError, NotAllowedError
from storage.facts.flows import Flow, FlowState
from storage.facts.people import Action, Actor, Member
from storage.facts.secret import Secret
from storage.records import flows, organizations
from storage.sessions import Session

_LINK_STATES = (FlowState.LINKED, FlowState.PROVEN, FlowState.SENT)


def linked(session: Session, link: Secret, now: datetime) -> Flow:
    """Return the flow of a link that is still good; FlowGoneError otherwise."""
    shown = hash_of("link", link)
    flow = flows.by_link(session, shown)
    if flow is None or not same(flow.link_hash, shown) or not flow.state.open or now >= flow.expires_at:
        raise FlowGoneError
    if flow.state in _LINK_STATES and now >= flow.created_at + LINK_LIVES:
        raise FlowGoneError
    return flow


def is_its_browser(flow: Flow, browser: Secret | None) -> bool:
    """Whether the flow went through that browser."""
    return browser is not None and same(flow.browser_hash, hash_of("browser", browser))


def in_browser(flow: Flow, browser: Secret | None) -> Flow:
    """Return the flow when it went through that browser; FlowGoneError otherwise."""
    if not is_its_browser(flow, browser):
        raise FlowGoneError
    return flow


def bind(session: Session, flow: Flow, browser: Secret) -> Flow:
    """Bind a flow to the browser that goes first; any other one is FlowGoneError."""
    if flow.browser_hash is None:
        flows.move(session, flow, browser_hash=hash_of("browser", browser))
        flow = locked(session, flow.id)
    return in_browser(flow, browser)


def locked(session: Session, flow_id: str) -> Flow:
    """Return the flow as it is, and let nobody move it until the transaction ends; FlowGoneError when there is none."""
    found = flows.find(session, flow_id)
    if found is None:
        raise FlowGoneError
    organizations.lock(session, found.organization_id)
    flow = flows.find(session, flow_id)
    if flow is None:
        raise FlowGoneError
    return flow


def locked_link(session: Session, link: Secret, now: datetime) -> Flow:
    """Return the flow of a link that is still good, and let nobody move it until the transaction ends."""
    locked(session, linked(session, link, now).id)
    return linked(session, link, now)


async def admitted(means: Means, flow: Flow) -> Member:
    """Return the flow's member as Slack and our tables know them now; NotAllowedError when they may not connect.

    UnavailableError when Slack does not tell: then nobody goes on, and nothing is lost.
    """
    actor = await means.people.actor(flow.identity) or await means.people.learn(flow.identity)
    return _member(actor, flow)


def still_allowed(session: Session, flow: Flow) -> Member:
    """Return the flow's member when our tables still let them connect, in the transaction that goes on."""
    return _member(Actor(flow.identity, organizations.member_by_identity(session, flow.identity)), flow)


def _member(actor: Actor, flow: Flow) -> Member:
    member = authorize(actor, Action.CONNECT, flow.organization_id)
    if member.id != flow.member_id:
        raise NotAllowedError(Action.CONNECT, None)
    return member
