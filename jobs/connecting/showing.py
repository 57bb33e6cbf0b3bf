"""Putting together what a page may show of a flow."""

from collections.abc import Mapping
from datetime import datetime

from connectors.grants import Again, Filled, Fitted, FormField, Grants, Helped, Tested
from jobs.connecting.companies import EXCHANGED, books_now, settings_here
from jobs.connecting.finding import is_its_browser
from jobs.connecting.marks import LINK_LIVES, MOST_CODES, MOST_TRIES, RESULT_SHOWN, hash_of
from jobs.connecting.means import Means
from jobs.connecting.pending import open_pending
from jobs.connecting.views import FlowView, Mismatch
from jobs.errors import FlowGoneError
from jobs.status import statuses
from storage.facts.flows import Flow, FlowState
from storage.facts.secret import Secret
from storage.facts.sources import Source
from storage.records import connections, delivered, flows, organizations, sources
from storage.seal import SealError
from storage.sessions import Session
from templates.words import PROVIDERS

_ON_THE_WAY = (FlowState.LINKED, FlowState.PROVEN)


def result_of(session: Session, browser: Secret, now: datetime) -> Flow:
    """Return the newest flow of a browser that came back; FlowGoneError when there is none to be seen any more."""
    for flow in flows.of_browser(session, hash_of("browser", browser)):
        if not is_its_browser(flow, browser) or flow.state in _ON_THE_WAY:
            continue
        if flow.state.open and now < flow.expires_at:
            return flow
        if flow.settled_at is not None and now < flow.settled_at + RESULT_SHOWN:
            return flow
    raise FlowGoneError


def view(session: Session, means: Means, flow: Flow, now: datetime) -> FlowView:
    """Return what the flow's own person may see of it now."""
    grants = means.grants_for(flow.provider)
    source = sources.visible_connection(session, flow.organization_id, flow.source_id) if flow.source_id else None
    mismatch = mismatch_of(means, flow, source)
    known = _known(session, flow)
    connected = flow.connected_source_id
    shown = sources.visible_connection(session, flow.organization_id, connected) if connected else None
    member = organizations.member(session, flow.member_id)
    until = flow.expires_at if flow.state is FlowState.RETURNED else min(flow.expires_at, flow.created_at + LINK_LIVES)
    return FlowView(
        id=flow.id,
        state=flow.state,
        provider=flow.provider,
        provider_label=PROVIDERS[flow.provider],
        organization=organizations.organization(session, flow.organization_id).name,
        member=member.name,
        workspace=flows.workspace_name(session, flow.identity.team_id),
        expires_at=until,
        hint=None if flow.source_id or flow.launched else grants.hint,
        source=source,
        can_sign_in=means.slack.complete,
        code_sent=flow.code_hash is not None,
        codes_left=max(0, MOST_CODES - flow.codes_sent),
        tries_left=max(0, MOST_TRIES - flow.code_tries),
        company=flow.company,
        account=flow.account,
        known=known if known and known.id != flow.source_id else None,
        mismatch=mismatch,
        missing=_missing(session, means, flow),
        reason=flow.reason,
        said=flow.said,
        connected=statuses(session, [shown], now, budget=means.read_budget)[0] if shown else None,
        # A connector brings much with it: it is asked only once there is something to tell.
        streams=tuple(stream.label for stream in means.connector_for(flow.provider).streams) if shown else (),
        run_id=flow.run_id,
        zone=member.timezone,
        form=_form(session, means, flow, grants),
        tests=grants.tests if isinstance(grants, Tested) else (),
        rows=grants.rows if isinstance(grants, Helped) else None,
        typed=_typed(session, means, flow, grants),
    )


def mismatch_of(means: Means, flow: Flow, source: Source | None) -> Mismatch | None:
    """Say which account was chosen instead of the source's own; None where it is the same."""
    if source is None or flow.account is None or flow.account == source.account:
        return None
    return Mismatch(
        chosen=flow.company or flow.account,
        chosen_account=flow.account,
        expected=source.company,
        expected_account=source.account,
        new_allowed=flow.provider not in means.one_per_organization,
    )


def _form(session: Session, means: Means, flow: Flow, grants: Grants) -> tuple[FormField, ...]:
    if isinstance(grants, Fitted):
        return grants.form_here(settings_here(session, means, flow))
    return grants.form if isinstance(grants, Filled) else ()


def _typed(session: Session, means: Means, flow: Flow, grants: Grants) -> Mapping[str, str]:
    """Return how the source was declared that is reconnected; only to a browser whose person has proven who it is."""
    if flow.source_id is None or flow.state not in {FlowState.PROVEN, FlowState.SENT} or not isinstance(grants, Again):
        return {}
    declared = delivered.declared_of(session, means.seal, flow.source_id)
    if declared is None:
        return {}
    books = books_now(session, flow.source_id) if flow.provider in EXCHANGED else ""
    return {**grants.typed_again(declared), **({"books": books} if books else {})}


def _known(session: Session, flow: Flow) -> Source | None:
    if flow.account is None or flow.state is not FlowState.RETURNED:
        return None
    held = connections.held(session, flow.organization_id, flow.provider, flow.account)
    return sources.source(session, held.source_id) if held else None


def _missing(session: Session, means: Means, flow: Flow) -> tuple[str, ...]:
    sealed = flows.sealed_grant(session, flow.id) if flow.state is FlowState.RETURNED else None
    if sealed is None:
        return ()
    try:
        return open_pending(means.seal, flow.id, sealed).granted.missing
    except SealError:
        # Its key is gone: the yes will say so.
        return ()
