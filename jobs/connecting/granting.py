"""To the provider and back: one state for one return, and a grant that is proven before it waits for the yes."""

from collections import Counter
from dataclasses import dataclass

import structlog

from connectors.base import ProviderSettings
from connectors.errors import ConnectorError
from connectors.grants import Consent, Granted, Pairs, Returned, ReturnRefusedError
from jobs.connecting import reasons, renewing, trail
from jobs.connecting.companies import settings_here
from jobs.connecting.finding import admitted, in_browser, is_its_browser, linked, locked, locked_link, still_allowed
from jobs.connecting.giving_up import give_up_grant
from jobs.connecting.marks import STATE_LIVES, YES_WAITS, hash_of, new_mark, same
from jobs.connecting.means import Means
from jobs.connecting.pending import Pending, environment_of, open_verifier, seal_pending, seal_verifier
from jobs.connecting.showing import view
from jobs.connecting.verdict import objection
from jobs.connecting.views import FlowView
from jobs.errors import FlowGoneError, NotAllowedError
from storage.facts.flows import Flow, FlowState
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from storage.records import connections, flows, sources
from storage.seal import SealError
from storage.sessions import Session
from templates.words import PROVIDERS

#: No honest answer of a provider is longer.
_LONGEST_QUERY = 8192

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Refusal:
    """The answer came to nothing; a code of ours and words for it."""

    reason: str
    said: str


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a return is an answer to."""

    flow: Flow
    settings: ProviderSettings
    label: str
    redirect_uri: str

    def refusal(self, reason: str) -> _Refusal:
        """Return a refusal in our own words."""
        return _Refusal(reason, reasons.said(reason, self.label))


async def go(means: Means, link: Secret, browser: Secret, hint: str) -> str:
    """Return the provider's page for a proven browser. HintError: what was typed cannot be the provider's."""
    flow = await means.desk.read(
        lambda session: _to_send(in_browser(linked(session, link, means.clock.now()), browser))
    )
    await admitted(means, flow)
    state = new_mark()
    consent, hint = await _consent(means, flow, hint, state)

    def work(session: Session) -> None:
        now = means.clock.now()
        found = _to_send(in_browser(locked_link(session, link, now), browser))
        still_allowed(session, found)
        flows.move(
            session,
            found,
            state=FlowState.SENT,
            state_hash=hash_of("state", state),
            verifier=seal_verifier(means.seal, found.id, consent.verifier),
            hint=hint,
            # What Amazon waits with counts once; whoever is sent again goes to its own page.
            login=None,
            expires_at=now + STATE_LIVES,
        )
        # The answer before this one came to nothing: the audit knows that a grant may be left at the provider.
        lost = {"before": reasons.ANSWER_LOST} if found.answer_lost else {}
        trail.note(session, found, trail.SENT, now, **lost)

    await means.desk.write(work)
    means.checkpoint("flow.sent")
    return consent.url


async def _consent(means: Means, flow: Flow, typed: str, state: Secret) -> tuple[Consent, str]:
    """Return the provider's page, or where Amazon waits for this browser, and the hint that goes with it."""
    login = await means.desk.read(lambda session: flows.sealed_login(session, flow.id))
    if login is not None:
        try:
            return renewing.answer(means, flow, login, state=state)
        except SealError as error:
            raise FlowGoneError from error
    grants = means.grants_for(flow.provider)
    if flow.source_id is not None:
        hint = await means.desk.read(lambda session: _known_hint(session, means, flow))
    else:
        hint = grants.read_hint(typed) if grants.hint else ""
    settings, back = means.providers[flow.provider], means.redirect_uri(flow.provider)
    return grants.consent(settings, hint=hint, redirect_uri=back, state=state), hint


async def returned(means: Means, provider: Provider, query: Pairs, browser: Secret) -> FlowView:
    """Take what the provider sent back, once, and prove the grant; it waits for the person's yes after that."""
    flow = await _asker(means, provider, query, browser)
    allowed = True
    try:
        await admitted(means, flow)
    except NotAllowedError:
        allowed = False
    flow = await means.database.writing(lambda session: _claimed(session, means, flow))
    means.checkpoint("flow.claimed")
    settings = await means.desk.read(lambda session: settings_here(session, means, flow))
    asked = _Asked(flow, settings, PROVIDERS[provider], means.redirect_uri(provider))
    got = await _granted(means, asked, query) if allowed else asked.refusal(reasons.NOT_ALLOWED)
    if isinstance(got, _Refusal):
        await means.database.writing(lambda session: _failed(session, means, flow, got, grant=None))
    else:
        granted, named = got
        means.checkpoint("flow.exchanged")
        await means.database.writing(lambda session: _kept(session, means, asked, granted, named))
        means.checkpoint("flow.returned")
        # Where it was not kept for a yes, it is given up at once; the sweep does what is left of that.
        await give_up_grant(means, flow.id)
    return await means.desk.read(lambda session: _shown(session, means, flow.id))


async def _asker(means: Means, provider: Provider, query: Pairs, browser: Secret) -> Flow:
    """Return the flow that the state belongs to: of this provider, this browser, and still waited for."""
    if sum(len(name) + len(value) for name, value in query) > _LONGEST_QUERY:
        raise FlowGoneError
    states = [value for name, value in query if name == "state"]
    if len(states) != 1 or not states[0]:
        raise FlowGoneError
    shown = hash_of("state", Secret(states[0]))
    flow = await means.desk.read(lambda session: flows.by_state(session, shown))
    now = means.clock.now()
    if flow is None or not same(flow.state_hash, shown) or flow.provider is not provider or now >= flow.expires_at:
        raise FlowGoneError
    if not is_its_browser(flow, browser):
        log.warning("connect_foreign_browser", flow=flow.id, organization=flow.organization_id)
        refusal = _Refusal(reasons.FOREIGN_BROWSER, reasons.said(reasons.FOREIGN_BROWSER, ""))
        await means.database.writing(lambda session: _failed(session, means, flow, refusal, grant=None))
        raise FlowGoneError
    return flow


async def _granted(means: Means, asked: _Asked, query: Pairs) -> tuple[Granted, Returned] | _Refusal:
    """Turn the answer into a grant that was proven by a call."""
    flow, grants, now = asked.flow, means.grants_for(asked.flow.provider), means.clock.now()
    try:
        if any(count > 1 for count in Counter(name for name, _ in query).values()):
            return asked.refusal(reasons.MALFORMED)
        named = grants.returned(asked.settings, query, hint=flow.hint, now=now)
        if any(name == "error" for name, _ in query):
            # A code beside an error is nobody's yes.
            return asked.refusal(reasons.REFUSED)
        sealed = await means.desk.read(lambda session: flows.sealed_verifier(session, flow.id))
        granted = await grants.exchange(
            asked.settings,
            named,
            hint=flow.hint,
            redirect_uri=asked.redirect_uri,
            verifier=open_verifier(means.seal, flow.id, sealed),
            clock=means.clock,
        )
    except ReturnRefusedError as error:
        return _Refusal(error.reason, error.said)
    except ConnectorError as error:
        log.warning("connect_failed", flow=flow.id, provider=flow.provider, code=error.code, request=error.request_id)
        return _Refusal(*reasons.of_error(error, asked.label, flow.id))
    except SealError:
        return asked.refusal(reasons.UNREADABLE)
    return granted, named


def _kept(session: Session, means: Means, asked: _Asked, granted: Granted, named: Returned) -> None:
    """Let the grant wait for the yes, or to be given up where it cannot be stored."""
    now = means.clock.now()
    flow = locked(session, asked.flow.id)
    pending = Pending(granted, environment_of(asked.settings, granted))
    sealed = seal_pending(means.seal, flow.id, pending)
    if flow.state is not FlowState.SENT or flow.state_hash is not None:
        flows.keep_late_grant(session, flow.id, sealed, now)
        return
    if named.account and named.account != granted.account:
        _failed(session, means, flow, asked.refusal(reasons.ACCOUNT_DIFFERS), grant=sealed)
        return
    against = objection(session, means, flow, pending)
    if against is not None:
        _failed(session, means, flow, asked.refusal(against), grant=sealed)
        return
    flows.move(
        session,
        flow,
        state=FlowState.RETURNED,
        grant=sealed,
        verifier=None,
        account=granted.account,
        company=granted.company,
        expires_at=now + YES_WAITS,
    )
    trail.note(session, flow, trail.RETURNED, now, account=granted.account, company=granted.company)


def _to_send(flow: Flow) -> Flow:
    # Away already and not yet back: the person may be sent again, and only the newest answer counts.
    waits = flow.state is FlowState.SENT and flow.state_hash is not None
    if flow.state is not FlowState.PROVEN and not waits:
        raise FlowGoneError
    return flow


def _known_hint(session: Session, means: Means, flow: Flow) -> str:
    source = sources.source(session, flow.source_id or "")
    region = connections.region_of(session, source.id)
    return means.grants_for(flow.provider).hint_of(source.account, region)


def _claimed(session: Session, means: Means, asker: Flow) -> Flow:
    flow = locked(session, asker.id)
    in_time = means.clock.now() < flow.expires_at
    if not in_time or not same(flow.state_hash, asker.state_hash or "") or not flows.claim_state(session, flow):
        raise FlowGoneError
    return locked(session, asker.id)


def _failed(session: Session, means: Means, asked: Flow, why: _Refusal, *, grant: bytes | None) -> None:
    now = means.clock.now()
    flow = locked(session, asked.id)
    if flow.state is not FlowState.SENT:
        return
    if flows.fail(session, flow, FlowState.FAILED, now, why.reason, said=why.said, grant=grant):
        trail.note(session, flow, trail.FAILED, now, reason=why.reason)


def _shown(session: Session, means: Means, flow_id: str) -> FlowView:
    flow = flows.find(session, flow_id)
    if flow is None:
        raise FlowGoneError
    return view(session, means, flow, means.clock.now())
