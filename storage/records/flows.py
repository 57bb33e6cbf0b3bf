"""Flows: found by a hash, moved by guarded updates, so that whatever comes twice has its effect once.

Every transaction that moves a flow holds its organization's lock first (`records.organizations.lock`).
"""

import hashlib
from datetime import datetime

from sqlalchemy import delete, text, update
from sqlmodel import Session, col, select

from storage.facts.flows import OPEN_FLOWS, Flow, FlowState
from storage.facts.people import Member, SlackIdentity
from storage.facts.sources import ConnectionState, Provider
from storage.records.guarded import won
from storage.records.inserts import insert
from storage.tables import ConnectionRow, FlowRow, SourceRow, WorkspaceRow

#: What a flow that is over does not keep: nothing that opens anything, and no name of a stranger's company.
_EMPTIED: dict[str, object] = {
    "code_hash": None,
    "signin_hash": None,
    "nonce_hash": None,
    "state_hash": None,
    "verifier": None,
    "login": None,
}
_OVER = (FlowState.FAILED, FlowState.EXPIRED)


def add(
    session: Session,
    flow_id: str,
    member: Member,
    provider: Provider,
    source_id: str | None,
    *,
    link_hash: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Insert a flow whose link was made now."""
    insert(
        session,
        FlowRow,
        id=flow_id,
        organization_id=member.organization_id,
        member_id=member.id,
        team_id=member.team_id,
        user_id=member.user_id,
        provider=provider,
        source_id=source_id,
        state=FlowState.LINKED,
        created_at=now,
        expires_at=expires_at,
        link_hash=link_hash,
    )


def find(session: Session, flow_id: str) -> Flow | None:
    """Return the flow as it is now."""
    return _one(session, FlowRow.id == flow_id)


def by_link(session: Session, link_hash: str) -> Flow | None:
    """Return the flow of a link."""
    return _one(session, FlowRow.link_hash == link_hash)


def by_signin(session: Session, signin_hash: str) -> Flow | None:
    """Return the flow whose browser was sent to Slack with that state."""
    return _one(session, FlowRow.signin_hash == signin_hash)


def by_state(session: Session, state_hash: str) -> Flow | None:
    """Return the flow whose browser was sent to the provider with that state."""
    return _one(session, FlowRow.state_hash == state_hash)


def of_run(session: Session, run_id: str) -> Flow | None:
    """Return the flow that started the run: whoever ends that run may tell its member."""
    return _one(session, FlowRow.run_id == run_id)


def of_browser(session: Session, browser_hash: str) -> list[Flow]:
    """Return the flows that a browser went through, newest first."""
    statement = (
        select(FlowRow)
        .where(FlowRow.browser_hash == browser_hash)
        .order_by(col(FlowRow.created_at).desc(), col(FlowRow.id).desc())
        .execution_options(populate_existing=True)
    )
    return [as_flow(row) for row in session.exec(statement)]


def move(session: Session, flow: Flow, **values: object) -> bool:
    """Change a flow that is still in the state in which it was read; return whether this one did."""
    statement = update(FlowRow).where(col(FlowRow.id) == flow.id, col(FlowRow.state) == flow.state).values(**values)
    return won(session, statement)


def claim_state(session: Session, flow: Flow) -> bool:
    """Take what the provider sent back, once: the state is gone after it, whatever comes of it."""
    statement = (
        update(FlowRow)
        .where(
            col(FlowRow.id) == flow.id,
            col(FlowRow.state) == FlowState.SENT,
            col(FlowRow.state_hash) == flow.state_hash,
        )
        .values(state_hash=None)
    )
    return won(session, statement)


def claim_signin(session: Session, flow: Flow, signin_hash: str) -> bool:
    """Take what Slack sent back, once."""
    statement = (
        update(FlowRow)
        .where(
            col(FlowRow.id) == flow.id,
            col(FlowRow.state) == FlowState.LINKED,
            col(FlowRow.signin_hash) == signin_hash,
        )
        .values(signin_hash=None, nonce_hash=None)
    )
    return won(session, statement)


def end(session: Session, flow: Flow, state: FlowState, now: datetime, *, reason: str | None, **values: object) -> bool:
    """End a flow that is still in the state in which it was read; return whether this one did."""
    return move(session, flow, state=state, settled_at=now, reason=reason, **{**_EMPTIED, **values})


def fail(
    session: Session, flow: Flow, state: FlowState, now: datetime, reason: str, *, said: str, grant: bytes | None = None
) -> bool:
    """End a flow that came to nothing; a grant in it, or given here, is due to be given up at the provider now."""
    sealed = grant or sealed_grant(session, flow.id)
    return end(
        session,
        flow,
        state,
        now,
        reason=reason,
        said=said,
        account=None,
        company=None,
        hint="",
        grant=sealed,
        revoke_due_at=now if sealed else None,
    )


def keep_late_grant(session: Session, flow_id: str, grant: bytes, now: datetime) -> bool:
    """Keep a grant that came when its flow was over already, only so that it is given up at the provider."""
    statement = (
        update(FlowRow)
        .where(col(FlowRow.id) == flow_id, col(FlowRow.grant).is_(None), col(FlowRow.state).in_(_OVER))
        .values(grant=grant, revoke_due_at=now)
    )
    return won(session, statement)


def link_again(session: Session, flow: Flow, link_hash: str) -> bool:
    """Give a flow that nobody has begun another link, so that the one before is none any more."""
    statement = (
        update(FlowRow)
        .where(
            col(FlowRow.id) == flow.id,
            col(FlowRow.state) == FlowState.LINKED,
            col(FlowRow.browser_hash).is_(None),
        )
        .values(link_hash=link_hash)
    )
    return won(session, statement)


def not_begun(session: Session, member_id: str, provider: Provider, source_id: str | None) -> list[Flow]:
    """Return the flows of a member to the same end whose link nobody has gone on from."""
    statement = select(FlowRow).where(
        FlowRow.member_id == member_id,
        FlowRow.provider == provider,
        FlowRow.source_id == source_id,
        FlowRow.state == FlowState.LINKED,
        col(FlowRow.browser_hash).is_(None),
    )
    return [as_flow(row) for row in session.exec(statement)]


def sealed_grant(session: Session, flow_id: str) -> bytes | None:
    """Return the sealed tokens that wait for a yes, or for being given up."""
    return session.exec(select(FlowRow.grant).where(FlowRow.id == flow_id)).first()


def sealed_verifier(session: Session, flow_id: str) -> bytes | None:
    """Return the sealed PKCE verifier."""
    return session.exec(select(FlowRow.verifier).where(FlowRow.id == flow_id)).first()


def sealed_login(session: Session, flow_id: str) -> bytes | None:
    """Return the sealed place where Amazon waits for the browser."""
    return session.exec(select(FlowRow.login).where(FlowRow.id == flow_id)).first()


def overdue(session: Session, now: datetime, limit: int = 100) -> list[Flow]:
    """Return the open flows that nobody went on with in time."""
    statement = (
        select(FlowRow)
        .where(col(FlowRow.state).in_(OPEN_FLOWS), col(FlowRow.expires_at) <= now)
        .order_by(col(FlowRow.expires_at))
        .limit(limit)
    )
    return [as_flow(row) for row in session.exec(statement)]


def to_revoke(session: Session, now: datetime, limit: int = 100) -> list[Flow]:
    """Return the flows whose grant is to be given up at the provider now."""
    statement = (
        select(FlowRow)
        .where(col(FlowRow.revoke_due_at) <= now, col(FlowRow.state).in_(_OVER))
        .order_by(col(FlowRow.revoke_due_at))
        .limit(limit)
    )
    return [as_flow(row) for row in session.exec(statement)]


def claim_revoke(session: Session, flow: Flow, again_at: datetime) -> bool:
    """Take the giving up of a grant, for as long as until `again_at`; return whether this one has it."""
    statement = (
        update(FlowRow)
        .where(col(FlowRow.id) == flow.id, col(FlowRow.revoke_tries) == flow.revoke_tries)
        .where(col(FlowRow.revoke_due_at).is_not(None))
        .values(revoke_due_at=again_at, revoke_tries=FlowRow.revoke_tries + 1)
    )
    return won(session, statement)


def replace_grant(session: Session, flow_id: str, known: bytes, renewed: bytes) -> bool:
    """Put renewed tokens in the place of those; whether those were still there."""
    statement = update(FlowRow).where(col(FlowRow.id) == flow_id, col(FlowRow.grant) == known)
    return won(session, statement.values(grant=renewed))


def erase_grant(session: Session, flow_id: str) -> bool:
    """Delete the sealed tokens of a flow; return whether there were any."""
    statement = (
        update(FlowRow)
        .where(col(FlowRow.id) == flow_id, col(FlowRow.grant).is_not(None))
        .values(grant=None, revoke_due_at=None, account=None, company=None)
    )
    return won(session, statement)


def forget_before(session: Session, instant: datetime) -> int:
    """Delete the flows that came to nothing before that instant; the audit has what happened."""
    statement = delete(FlowRow).where(
        col(FlowRow.state).in_(_OVER), col(FlowRow.settled_at) < instant, col(FlowRow.grant).is_(None)
    )
    return session.connection().execute(statement).rowcount


def lock_account(session: Session, provider: Provider, account: str) -> None:
    """Let no other transaction of any organization store or give up a grant to that account until this one ends.

    Take it after the organization's lock. SQLite has one writer anyway.
    """
    if session.connection().dialect.name != "sqlite":
        digest = hashlib.sha256(f"account\x1f{provider}\x1f{account}".encode()).digest()
        key = int.from_bytes(digest[:8], "big", signed=True)
        session.connection().execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


def sources_with(session: Session, provider: Provider, account: str) -> list[tuple[str, str]]:
    """Return (organization, source) of every organization in which the account is connected now."""
    statement = (
        select(SourceRow.organization_id, SourceRow.id)
        .join(ConnectionRow, col(ConnectionRow.source_id) == col(SourceRow.id))
        .where(SourceRow.provider == provider, SourceRow.account == account)
        .where(ConnectionRow.state != ConnectionState.DISCONNECTED, col(ConnectionRow.credentials).is_not(None))
    )
    return list(session.exec(statement))


def sources_held(session: Session, organization_id: str, provider: Provider) -> list[str]:
    """Return the sources of that provider that are an organization's: all but those that a person disconnected."""
    statement = (
        select(SourceRow.id)
        .join(ConnectionRow, col(ConnectionRow.source_id) == col(SourceRow.id))
        .where(SourceRow.organization_id == organization_id, SourceRow.provider == provider)
        .where(
            (col(ConnectionRow.state) != ConnectionState.DISCONNECTED)
            | (col(ConnectionRow.credentials).is_not(None) & col(ConnectionRow.erase_due_at).is_(None))
        )
    )
    return list(session.exec(statement))


def is_wanted(session: Session, provider: Provider, account: str, but: str) -> bool:
    """Whether giving up a grant to the account would hurt: it is connected, or another flow just got one."""
    if sources_with(session, provider, account):
        return True
    statement = select(FlowRow.id).where(
        FlowRow.provider == provider,
        FlowRow.account == account,
        FlowRow.state == FlowState.RETURNED,
        FlowRow.id != but,
    )
    return session.exec(statement).first() is not None


def as_flow(row: FlowRow) -> Flow:
    """Turn a row into a fact."""
    return Flow(
        id=row.id,
        organization_id=row.organization_id,
        member_id=row.member_id,
        identity=SlackIdentity(row.team_id, row.user_id),
        provider=Provider(row.provider),
        source_id=row.source_id,
        state=FlowState(row.state),
        created_at=row.created_at,
        expires_at=row.expires_at,
        settled_at=row.settled_at,
        reason=row.reason,
        said=row.said,
        link_hash=row.link_hash,
        browser_hash=row.browser_hash,
        code_hash=row.code_hash,
        codes_sent=row.codes_sent,
        code_tries=row.code_tries,
        nonce_hash=row.nonce_hash,
        state_hash=row.state_hash,
        hint=row.hint,
        account=row.account,
        company=row.company,
        connected_source_id=row.connected_source_id,
        run_id=row.run_id,
        revoke_due_at=row.revoke_due_at,
        revoke_tries=row.revoke_tries,
        launched=row.login is not None,
    )


def _one(session: Session, which: object) -> Flow | None:
    statement = select(FlowRow).where(which).execution_options(populate_existing=True)  # type: ignore[arg-type]  # a column expression, built above
    row = session.exec(statement).first()
    return as_flow(row) if row else None


def workspace_name(session: Session, team_id: str) -> str:
    """Return the name of a Slack workspace as people know it."""
    row = session.get(WorkspaceRow, team_id)
    return row.name if row else team_id
