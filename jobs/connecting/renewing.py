"""When the seller starts at Amazon: Amazon opens our address, Slack says who sits there, and Amazon gets them back.

Sellers renew their yearly consent under "Manage Your Apps", which leads here. Nobody has proven anything by opening the
address: who is in front of the browser is asked of Slack, and what they may connect is decided as for any other flow,
which this becomes. What Amazon waits with is kept sealed, and used once.
"""

import json

from connectors.amazon.login import AmazonLogin, answer_login, read_login
from connectors.amazon.regions import REGIONS
from connectors.errors import ConnectorError
from connectors.grants import Consent, Pairs, ReturnRefusedError
from connectors.slack_signin import SignedIn, sign_in_address, signed_in
from jobs.authorize import authorize
from jobs.connecting import reasons, trail
from jobs.connecting.finding import locked
from jobs.connecting.marks import LINK_LIVES, STATE_LIVES, hash_of, new_mark, same
from jobs.connecting.means import Means
from jobs.connecting.views import Launch
from jobs.errors import FlowGoneError, FlowRefusedError
from storage.bindings import of_flow, of_renewal
from storage.facts.flows import Flow, FlowState
from storage.facts.ids import derived_id
from storage.facts.people import Action, Actor, Member, SlackIdentity
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from storage.records import connections, flows, organizations, renewals, sources
from storage.records.renewals import Begun
from storage.seal import Seal
from storage.sessions import Session


def launch(means: Means, query: Pairs) -> Launch:
    """Return what Amazon asks for; FlowRefusedError when it is not Amazon who asks. Changes nothing."""
    login = _read(means, query)
    return Launch(login.seller, REGIONS[login.region], can_sign_in=means.slack.complete)


async def begin(means: Means, query: Pairs, browser: Secret) -> str:
    """Keep what Amazon waits with and return Slack's page, where the person says who they are."""
    login = _read(means, query)
    if not means.slack.complete:
        raise FlowRefusedError(reasons.SIGN_IN_FAILED, reasons.said(reasons.SIGN_IN_OFF, ""))
    state, nonce = new_mark(), new_mark()
    named = hash_of("renewal", state)
    now = means.clock.now()
    sealed = _sealed(means.seal, login, *of_renewal(named))
    begun = Begun(named, hash_of("nonce", nonce), hash_of("browser", browser), sealed, now + STATE_LIVES)
    await means.desk.write(lambda session: renewals.begin(session, begun, now))
    means.checkpoint("flow.renewal_begun")
    return sign_in_address(
        means.slack, redirect_uri=means.redirect_uri("slack"), state=state, nonce=nonce, team_id=None
    )


async def end_sign_in(means: Means, query: Pairs, browser: Secret) -> Secret | None:
    """Take what Slack sent back and return a link to go on with; None when it is no answer to a renewal."""
    states = [value for name, value in query if name == "state"]
    codes = [value for name, value in query if name == "code" and value]
    if len(states) != 1:
        return None
    shown = hash_of("renewal", Secret(states[0]))
    begun = await means.desk.read(lambda session: renewals.find(session, shown))
    if begun is None:
        return None
    if not same(begun.browser_hash, hash_of("browser", browser)) or means.clock.now() >= begun.expires_at:
        raise FlowGoneError
    if not await means.desk.write(lambda session: renewals.claim(session, begun)):
        raise FlowGoneError
    means.checkpoint("flow.renewal_claimed")
    if len(codes) != 1 or any(name == "error" for name, _ in query):
        raise FlowRefusedError(reasons.SIGN_IN_FAILED, reasons.said(reasons.SIGN_IN_UNSAID, ""))
    person = await _person(means, Secret(codes[0]), begun)
    identity = SlackIdentity(person.team_id, person.user_id)
    member = authorize(await means.people.actor(identity) or await means.people.learn(identity), Action.CONNECT)
    mark = new_mark()
    await means.desk.write(lambda session: _proven(session, means, begun, member, identity, mark))
    means.checkpoint("flow.renewal_proven")
    return mark


def answer(means: Means, flow: Flow, sealed: bytes, *, state: Secret) -> tuple[Consent, str]:
    """Return where Amazon waits for this flow's browser, and its region; SealError when it cannot be read."""
    login = _opened(means.seal, sealed, *of_flow(flow.id, "login"))
    settings = means.providers[Provider.AMAZON]
    back = means.redirect_uri(Provider.AMAZON)
    return answer_login(settings, login, redirect_uri=back, state=state), login.region


def _read(means: Means, query: Pairs) -> AmazonLogin:
    try:
        return read_login(means.providers[Provider.AMAZON], query)
    except ReturnRefusedError as error:
        raise FlowRefusedError(error.reason, error.said) from error


async def _person(means: Means, code: Secret, begun: Begun) -> SignedIn:
    try:
        person = await signed_in(means.slack, code, redirect_uri=means.redirect_uri("slack"))
    except ConnectorError as error:
        raise FlowRefusedError(error.code, reasons.said(reasons.SIGN_IN_UNSAID, "")) from error
    if not same(begun.nonce_hash, hash_of("nonce", person.nonce)):
        raise FlowRefusedError(reasons.OTHER_PERSON, reasons.said(reasons.SIGN_IN_UNSAID, ""))
    return person


def _proven(
    session: Session, means: Means, begun: Begun, member: Member, identity: SlackIdentity, mark: Secret
) -> None:
    """Make the flow of a renewal, at the point where its browser is proven to be the member's."""
    now = means.clock.now()
    organizations.lock(session, member.organization_id)
    member = authorize(Actor(identity, organizations.member_by_identity(session, identity)), Action.CONNECT)
    login = _opened(means.seal, begun.login, *of_renewal(begun.state_hash))
    flow_id = derived_id("flw", *of_renewal(begun.state_hash))
    flows.add(
        session, flow_id, member, Provider.AMAZON, _source(session, member, login),
        link_hash=hash_of("link", mark), now=now, expires_at=now + LINK_LIVES,
    )  # fmt: skip
    flow = locked(session, flow_id)
    trail.note(session, flow, trail.LINKED, now, began_at="amazon")
    sealed = _sealed(means.seal, login, *of_flow(flow_id, "login"))
    flows.move(session, flow, state=FlowState.PROVEN, browser_hash=begun.browser_hash, login=sealed)
    trail.note(session, flow, trail.PROVEN, now, by_code=False)


def _source(session: Session, member: Member, login: AmazonLogin) -> str | None:
    """Return the organization's source of that seller; None when it is a new one here."""
    held = connections.held(session, member.organization_id, Provider.AMAZON, login.seller)
    if held is None or sources.visible_connection(session, member.organization_id, held.source_id) is None:
        return None
    if held.region and held.region != login.region:
        raise FlowRefusedError(reasons.OTHER_REGION, reasons.said(reasons.OTHER_REGION, REGIONS[held.region]))
    return held.source_id


def _sealed(seal: Seal, login: AmazonLogin, *binding: str) -> bytes:
    body = [login.callback, login.amazon_state.reveal(), login.seller, login.region, login.beta]
    return seal.close(json.dumps(body), *binding)


def _opened(seal: Seal, sealed: bytes, *binding: str) -> AmazonLogin:
    callback, state, seller, region, beta = json.loads(seal.open(sealed, *binding))
    return AmazonLogin(callback, Secret(state), seller, region, beta)
