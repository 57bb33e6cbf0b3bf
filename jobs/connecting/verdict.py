"""Whether a grant may be stored: where it comes from, and who has the account already."""

import structlog

from jobs.connecting import reasons
from jobs.connecting.means import Means
from jobs.connecting.pending import Pending
from storage.facts.delivered import DeliveryPlace, place_of
from storage.facts.flows import Flow
from storage.records import connections, delivered, flows
from storage.sessions import Session

log = structlog.get_logger()


def objection(session: Session, means: Means, flow: Flow, pending: Pending) -> str | None:
    """Return why this grant can never be this flow's, a code of ours; None when nothing is against it.

    The transaction holds the organization's lock; it takes the account's too, so that two organizations that confirm
    the same account at once see each other.
    """
    account = pending.granted.account
    flows.lock_account(session, flow.provider, account)
    others = [
        organization
        for organization, _ in flows.sources_with(session, flow.provider, account)
        if organization != flow.organization_id
    ]
    if others:
        # For the operator alone: the person learns of no other organization.
        log.warning("account_connected_elsewhere", flow=flow.id, organization=flow.organization_id, others=others)
        return reasons.ELSEWHERE
    place = place_of(flow.provider, flow.organization_id, account, pending.granted.tokens.access)
    if place is not None and (against := not_free(session, means, flow, account, place)):
        return against
    held = connections.held(session, flow.organization_id, flow.provider, account)
    if held is not None and held.erasing:
        return reasons.ERASING
    if held is not None and held.revoking:
        return reasons.REVOKING
    if held is not None and held.environment and held.environment != pending.environment:
        return reasons.ENVIRONMENT
    return _one_company(session, means, flow, held.source_id if held else None)


def not_free(session: Session, means: Means, flow: Flow, account: str, place: DeliveryPlace) -> str | None:
    """Return why files of that place cannot be read by the account's source; None when nobody else reads any."""
    found = delivered.in_the_way(session, means.seal, flow.organization_id, account, place)
    if found is None:
        return None
    if found.organization_id == flow.organization_id:
        return reasons.PLACE_TAKEN
    # For the operator alone, as above.
    log.warning("place_read_elsewhere", flow=flow.id, organization=flow.organization_id, other=found.organization_id)
    return reasons.PLACE_ELSEWHERE


def _one_company(session: Session, means: Means, flow: Flow, own: str | None) -> str | None:
    if flow.provider not in means.one_per_organization:
        return None
    # A reconnect that came back with another company is no second one yet: the person is asked first.
    held = set(flows.sources_held(session, flow.organization_id, flow.provider)) - {own, flow.source_id}
    return reasons.ONE_COMPANY if held else None
