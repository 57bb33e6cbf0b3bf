"""A flow that comes to nothing leaves nothing: the grant is given up at the provider, then erased here.

A grant is not given up where that would hurt: providers end every token of an account at once, so an account that is
connected, here or elsewhere, only loses our copy of the new tokens.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from connectors.errors import ConnectorError, Reconnect
from connectors.grants import Filled
from connectors.tokens import Tokens
from jobs.connecting import reasons, trail
from jobs.connecting.finding import in_browser, locked
from jobs.connecting.leaving import LeavingTokens
from jobs.connecting.means import Means
from jobs.connecting.pending import Pending, open_pending, seal_pending
from jobs.errors import FlowGoneError
from storage.facts.flows import Flow, FlowState
from storage.facts.secret import Secret
from storage.records import flows, renewals
from storage.seal import SealError
from storage.sessions import Session
from templates.words import PROVIDERS

#: How long giving up is tried before a person has to do it.
KEEP_TRYING = timedelta(hours=24)
#: How long a flow that came to nothing is kept; the audit has it for as long as everything else.
KEPT = timedelta(days=7)
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=1)

log = structlog.get_logger()


async def give_up(means: Means, browser: Secret, flow_id: str) -> None:
    """End an open flow because its person said no; what the provider gave is given up."""

    def work(session: Session) -> None:
        flow = in_browser(locked(session, flow_id), browser)
        if flow.state in {FlowState.FAILED, FlowState.EXPIRED}:
            return
        if not flow.state.open:
            raise FlowGoneError
        now = means.clock.now()
        words = reasons.said(reasons.GIVEN_UP, "")
        flows.fail(session, flow, FlowState.FAILED, now, reasons.GIVEN_UP, said=words)
        trail.note(session, flow, trail.FAILED, now, reason=reasons.GIVEN_UP)

    await means.database.writing(work)
    means.checkpoint("flow.given_up")
    await give_up_grant(means, flow_id)


async def give_up_grant(means: Means, flow_id: str) -> None:
    """Give up the grant of a flow that is over, if it has one and nobody else is at it; what fails is tried again."""
    now = means.clock.now()
    claimed = await means.database.writing(lambda session: _claimed(session, means, flow_id, now))
    if claimed is None:
        return
    flow, pending = claimed
    means.checkpoint("flow.revoke_claimed")
    outcome = await _outcome(means, flow, pending, now)
    means.checkpoint("flow.revoked")
    if outcome is not None:
        await means.database.writing(lambda session: _erased(session, means, flow, outcome))
    means.checkpoint("flow.grant_erased")


async def sweep(means: Means) -> None:
    """Expire what nobody went on with, give up grants that nobody confirmed, forget what is over."""
    now = means.clock.now()
    for flow in await means.database.reading(lambda session: flows.overdue(session, now)):
        # What was typed into a form of ours left nothing at the provider.
        leaves = not isinstance(means.grants_for(flow.provider), Filled)
        await means.database.writing(partial(_expired, seen=flow, leaves=leaves, now=now))
        means.checkpoint("flow.expired")
    for flow in await means.database.reading(lambda session: flows.to_revoke(session, now)):
        await give_up_grant(means, flow.id)
    await means.database.writing(lambda session: _forget(session, now))


def _forget(session: Session, now: datetime) -> None:
    flows.forget_before(session, now - KEPT)
    renewals.forget_before(session, now)


def _expired(session: Session, seen: Flow, now: datetime, *, leaves: bool) -> None:
    flow = locked(session, seen.id)
    if not flow.state.open or now < flow.expires_at:
        return
    # Nobody was too late for an answer that we lost, and something may be left of it: its page must not say otherwise.
    lost = flow.answer_lost and leaves
    state, reason = (FlowState.FAILED, reasons.ANSWER_LOST) if lost else (FlowState.EXPIRED, reasons.EXPIRED)
    if not flows.fail(session, flow, state, now, reason, said=reasons.said(reason, PROVIDERS[flow.provider])):
        return
    trail.note(session, flow, trail.FAILED, now, by=trail.SYSTEM, reason=reason)
    if lost:
        log.warning("grant_may_remain", flow=flow.id, provider=flow.provider, organization=flow.organization_id)


def _claimed(session: Session, means: Means, flow_id: str, now: datetime) -> tuple[Flow, Pending | None] | None:
    flow = flows.find(session, flow_id)
    if flow is None or flow.state.open or flow.revoke_due_at is None or flow.revoke_due_at > now:
        return None
    wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(flow.revoke_tries, 10))
    sealed = flows.sealed_grant(session, flow_id)
    if not flows.claim_revoke(session, flow, now + wait):
        return None
    try:
        return flow, open_pending(means.seal, flow_id, sealed or b"")
    except SealError:
        return flow, None


async def _outcome(means: Means, flow: Flow, pending: Pending | None, now: datetime) -> str | None:
    """Return what became of the grant, in a word; None: try again later."""
    if pending is None:
        log.warning("grant_unreadable", flow=flow.id, provider=flow.provider)
        return "unreadable"
    granted = pending.granted
    if await means.database.reading(
        lambda session: flows.is_wanted(session, flow.provider, granted.account, but=flow.id)
    ):
        return "kept_for_its_connection"
    try:
        revoked = await means.grants_for(flow.provider).revoke(
            means.providers[flow.provider], _store(means, flow, pending), account=granted.account, region=granted.region
        )
    except Reconnect:
        # The provider knows the tokens no more: that is what was wanted.
        return "revoked"
    except ConnectorError as error:
        if now - (flow.settled_at or now) < KEEP_TRYING:
            log.info("grant_not_revoked_yet", flow=flow.id, provider=flow.provider, code=error.code)
            return None
        log.warning("grant_not_revoked", flow=flow.id, provider=flow.provider, code=error.code)
        return "not_revoked"
    return "revoked" if revoked else "no_way_to_revoke"


def _store(means: Means, flow: Flow, pending: Pending) -> LeavingTokens:
    """Return where the tokens of the flow's grant are while it is given up."""

    def closed(tokens: Tokens) -> bytes:
        renewed = replace(pending, granted=replace(pending.granted, tokens=tokens))
        return seal_pending(means.seal, flow.id, renewed)

    return LeavingTokens(
        means.database,
        flow.id,
        read=partial(flows.sealed_grant, flow_id=flow.id),
        replace=lambda session, known, renewed: flows.replace_grant(session, flow.id, known, renewed),
        open=lambda sealed: open_pending(means.seal, flow.id, sealed).granted.tokens,
        close=closed,
        checkpoint=lambda: means.checkpoint("flow.revoke_renewed"),
    )


def _erased(session: Session, means: Means, seen: Flow, outcome: str) -> None:
    flow = locked(session, seen.id)
    if flows.erase_grant(session, flow.id):
        trail.note(session, flow, trail.GRANT_GIVEN_UP, means.clock.now(), by=trail.SYSTEM, outcome=outcome)
