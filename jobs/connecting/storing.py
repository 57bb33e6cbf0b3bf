"""The person's yes: one transaction that makes a source of a grant, or renews a source's connection."""

from dataclasses import dataclass
from datetime import datetime

from connectors.grants import Granted
from jobs import dependents
from jobs.connecting import reasons, telling
from jobs.connecting.companies import EXCHANGED, books_held, books_now
from jobs.connecting.finding import admitted, in_browser, locked, still_allowed
from jobs.connecting.means import Means
from jobs.connecting.pending import Pending, environment_of, open_pending
from jobs.connecting.showing import mismatch_of
from jobs.connecting.verdict import objection
from jobs.connecting.views import Connected
from jobs.errors import FlowGoneError, FlowRefusedError, TooLateError
from jobs.exchange import pairs
from jobs.incidents.noticing import back
from jobs.plans import default_plan
from jobs.refresh.retry import retry_now
from jobs.schedule import start_catch_up
from storage.credentials import Credentials, Place, seal_credentials
from storage.facts.delivered import way_of
from storage.facts.flows import Flow, FlowState
from storage.facts.incidents import Resolution
from storage.facts.people import Action, Member
from storage.facts.secret import Secret
from storage.facts.sources import ConnectionState, Provider, Source
from storage.records import audit, connections, flows, runs, sources
from storage.records.connections import GrantToStore
from storage.seal import SealError
from storage.sessions import ConflictError, Session
from templates.words import PROVIDERS

_TRIES = 3


@dataclass(frozen=True, slots=True)
class _Yes:
    """What is confirmed, and by whom."""

    flow: Flow
    member: Member
    pending: Pending
    now: datetime


async def confirm(means: Means, browser: Secret, flow_id: str, *, as_new: bool) -> Connected:
    """Store the grant as active; the same yes again gives what it gave first."""
    flow = await means.desk.read(lambda session: _waiting(in_browser(_found(session, flow_id), browser)))
    if flow.state is not FlowState.DONE:
        await admitted(means, flow)

    def work(session: Session) -> Connected:
        flow = _waiting(in_browser(locked(session, flow_id), browser))
        if flow.state is FlowState.DONE:
            return _connected(session, flow)
        connected = _confirmed(session, means, flow, as_new=as_new)
        means.checkpoint("flow.confirming")
        return connected

    for attempt in range(1, _TRIES + 1):
        try:
            connected = await means.database.writing(work)
        except ConflictError:
            # A clock took the source, or a worker renewed its tokens, in between: look again.
            if attempt == _TRIES:
                raise
        else:
            means.checkpoint("flow.confirmed")
            return connected
    raise AssertionError("unreachable: the last try raises")


def _found(session: Session, flow_id: str) -> Flow:
    flow = flows.find(session, flow_id)
    if flow is None:
        raise FlowGoneError
    return flow


def _waiting(flow: Flow) -> Flow:
    if flow.state not in {FlowState.RETURNED, FlowState.DONE}:
        raise FlowGoneError
    return flow


def _confirmed(session: Session, means: Means, flow: Flow, *, as_new: bool) -> Connected:
    yes = _Yes(flow, still_allowed(session, flow), _opened(session, means, flow), means.clock.now())
    if yes.now >= flow.expires_at:
        raise FlowGoneError
    against = _against(session, means, yes, as_new=as_new)
    if against is not None:
        raise FlowRefusedError(against, reasons.said(against, PROVIDERS[flow.provider]))
    source_id, newly = _stored(session, means, yes)
    run_id = _started(session, means, sources.source(session, source_id), flow.id, yes.now)
    flows.end(
        session,
        flow,
        FlowState.DONE,
        yes.now,
        reason=None,
        grant=None,
        connected_source_id=source_id,
        run_id=run_id,
        account=yes.pending.granted.account,
        company=yes.pending.granted.company,
    )
    source = sources.source(session, source_id)
    thawed = dependents.thaw(session, source_id)
    if (books := yes.pending.granted.books or books_of(session, source)) is not None:
        pairs.confirmed(session, source.organization_id, source.id, books, yes.now)
    detail: dict[str, object] = {
        "flow": flow.id,
        "how": "new" if newly else "reconnect",
        "provider": flow.provider,
        "account": source.account,
        "company": source.company,
        "missing": list(yes.pending.granted.missing),
        "run": run_id,
        "thawed": dependents.said(thawed),
    }
    audit.record(session, flow.organization_id, flow.member_id, Action.CONNECT, source_id, yes.now, detail)
    back(session, source_id, Resolution.RECONNECTED, yes.now, means.notifier, thawed)
    telling.tell_admins(session, flow, source, newly=newly, thawed=thawed, enqueue=means.enqueue, now=yes.now)
    return Connected(flow.id, source, run_id, newly)


def _opened(session: Session, means: Means, flow: Flow) -> Pending:
    sealed = flows.sealed_grant(session, flow.id)
    try:
        return open_pending(means.seal, flow.id, sealed or b"")
    except SealError as error:
        raise FlowRefusedError(reasons.UNREADABLE, reasons.said(reasons.UNREADABLE, "")) from error


def _against(session: Session, means: Means, yes: _Yes, *, as_new: bool) -> str | None:
    """Return why this cannot be stored: the account, its other owners, the environment."""
    flow = yes.flow
    here = environment_of(means.providers[flow.provider], yes.pending.granted)
    if not here or yes.pending.environment != here:
        return reasons.ENVIRONMENT
    source = sources.visible_connection(session, flow.organization_id, flow.source_id) if flow.source_id else None
    if mismatch_of(means, flow, source) is not None:
        if not as_new:
            return reasons.MISMATCH
        if flow.provider in means.one_per_organization:
            return reasons.ONE_COMPANY
    if flow.provider in EXCHANGED:
        held = {one.id for one in books_held(session, flow.organization_id)}
        if not held:
            return reasons.NO_BOOKS
        if yes.pending.granted.books and yes.pending.granted.books not in held:
            return reasons.OTHER_BOOKS
    return objection(session, means, flow, yes.pending)


def _stored(session: Session, means: Means, yes: _Yes) -> tuple[str, bool]:
    """Write source and connection and return the source's id, and whether it is a new one."""
    flow, granted = yes.flow, yes.pending.granted
    held = connections.held(session, flow.organization_id, flow.provider, granted.account)
    version = held.version + 1 if held else 1
    grant = _to_store(means, yes, version)
    if held is None:
        source_id = connections.add_source(
            session,
            flow.organization_id,
            flow.provider,
            granted.account,
            label=_label(session, flow, granted),
            company=granted.company,
            mode=means.connector_for(flow.provider).mode,
            schedule_minutes=default_plan(flow.provider).minutes,
            grant=grant,
            now=yes.now,
        )
        return source_id, True
    if not connections.replace_grant(
        session, held.source_id, company=granted.company, grant=grant, expected_version=held.version, now=yes.now
    ):
        raise ConflictError("the tokens were renewed a moment ago")
    return held.source_id, False


def _to_store(means: Means, yes: _Yes, version: int) -> GrantToStore:
    granted, tokens = yes.pending.granted, yes.pending.granted.tokens
    place = Place(yes.flow.organization_id, yes.flow.provider, granted.account, version)
    credentials = Credentials(
        access=tokens.access,
        refresh=tokens.refresh,
        expires_at=tokens.expires_at,
        refresh_expires_at=tokens.refresh_expires_at,
        hard_expires_at=tokens.hard_expires_at,
        scopes=granted.scopes,
    )
    lacks = reasons.lacks(granted.missing)
    return GrantToStore(
        credentials=seal_credentials(means.seal, place, credentials),
        version=version,
        state=ConnectionState.ATTENTION if lacks else ConnectionState.CONNECTED,
        reason=lacks,
        scopes=" ".join(granted.scopes),
        region=granted.region,
        environment=yes.pending.environment,
        connected_by=yes.member.id,
        access_expires_at=tokens.expires_at,
        refresh_expires_at=tokens.refresh_expires_at,
        hard_expires_at=tokens.hard_expires_at,
    )


def _started(session: Session, means: Means, source: Source, flow_id: str, now: datetime) -> str | None:
    """Queue the first collection or the catch-up; a run that is under way goes on, and at once if it waits.

    Nobody asked for that run as a refresh, so that nobody is told as if they had; `flows.of_run` names whoever
    connected, and a first read has a trigger of its own.
    """
    active = runs.active_of(session, [source.id]).get(source.id)
    if active is not None:
        try:
            retry_now(means.clock, means.enqueue)(session, [active])
        except TooLateError:
            # It is at work: the next attempt of it, or the next slot, reads with the new grant.
            return active.id
        return active.id
    return start_catch_up(session, source, f"connect:{flow_id}", now, means.enqueue)


def books_of(session: Session, source: Source) -> str | None:
    """Return the QuickBooks company whose files go over a connection; None for a source of data.

    None also where there are several and neither what it was connected for nor its company's name tells which: one
    company's customers must never reach another one's.
    """
    if source.mode.collects:
        return None
    held = books_held(session, source.organization_id)
    known = books_now(session, source.id)
    if known in {one.id for one in held}:
        return known
    return pairs.fitting(held, source)


def _connected(session: Session, flow: Flow) -> Connected:
    if flow.connected_source_id is None:
        raise FlowGoneError
    source = sources.source(session, flow.connected_source_id)
    newly = connections.made_at(session, source.id) == flow.settled_at
    return Connected(flow.id, source, flow.run_id, newly)


def _label(session: Session, flow: Flow, granted: Granted) -> str:
    """Return what people read, as a seed file does it: a shop's domain says enough, numbers need their provider."""
    if flow.provider is Provider.SHOPIFY:
        return granted.account
    if flow.provider is not Provider.NETSUITE:
        return f"{flow.provider.value}_{granted.account}"
    name = f"{PROVIDERS[flow.provider]} {way_of(granted.tokens.access)}"
    others = {source.label for source in sources.connections_of(session, flow.organization_id)}
    return f"{name} ({granted.account.partition(':')[2]})" if name in others else name
