"""Messages of flows: deliveries like all others (intent, call, outcome, reconciled), with words of their own."""

import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from connectors.base import Connector
from jobs.asks import Enqueue
from jobs.deliver.posting import Words
from jobs.notify.adding import add_message
from jobs.work import Work
from storage.bindings import of_code
from storage.facts.deliveries import (
    CONNECT_CODE,
    CONNECTION_CHANGED,
    DISCONNECT_ENDED,
    DISCONNECTED,
    Channel,
    Delivery,
)
from storage.facts.dependents import Dependent, DependentKind
from storage.facts.disconnects import Disconnect, GrantEnd
from storage.facts.flows import Flow
from storage.facts.messages import Message, Person
from storage.facts.people import Member
from storage.facts.secret import Secret
from storage.facts.sources import Provider, Source
from storage.records import deliveries, disconnects, flows, organizations, sources
from storage.seal import Seal
from storage.sessions import Session
from templates.notices.disconnect import disconnect_ended, disconnected_told
from templates.notices.linking import connect_code, connection_changed


def send_code(
    session: Session, flow: Flow, code: Secret, number: int, *, seal: Seal, enqueue: Enqueue, now: datetime
) -> None:
    """Send the code to the member by DM; it is sealed until it was sent, and then forgotten."""
    subject = f"{flow.id}.{number}"
    sealed = seal.close(code.reveal(), *of_code(CONNECT_CODE, subject))
    delivery_id = deliveries.add(
        session,
        organization_id=flow.organization_id,
        kind=CONNECT_CODE,
        subject=subject,
        channel=Channel.SLACK,
        destination=f"{flow.identity.team_id}/{flow.identity.user_id}",
        member_id=flow.member_id,
        now=now,
        expires_at=flow.expires_at,
        facts={"sealed": base64.b64encode(sealed).decode()},
    )
    if delivery_id is not None:
        enqueue(session, Work("delivery", delivery_id, queue="notify"))


def tell_admins(
    session: Session,
    flow: Flow,
    source: Source,
    *,
    newly: bool,
    thawed: Sequence[Dependent],
    enqueue: Enqueue,
    now: datetime,
) -> None:
    """Tell every admin, the one who did it included, that a connection changed, and what goes on with it."""
    facts = {"newly": newly, "source": source.id, "missing": source.connection_reason, "thawed": _kept(thawed)}
    _tell(session, flow.organization_id, CONNECTION_CHANGED, flow.id, facts, enqueue=enqueue, now=now)


def tell_disconnected(
    session: Session,
    disconnect: Disconnect,
    source: Source,
    frozen: datetime | None,
    still: Sequence[Dependent],
    enqueue: Enqueue,
) -> None:
    """Tell every admin, the one who did it included, that a source was disconnected, and what stands still with it."""
    facts = {"source": source.id, "frozen": frozen.isoformat() if frozen else None, "dependents": _kept(still)}
    _tell(session, source.organization_id, DISCONNECTED, disconnect.id, facts, enqueue=enqueue, now=disconnect.at)


def tell_disconnect_ended(session: Session, disconnect_id: str, enqueue: Enqueue, now: datetime) -> None:
    """Tell every admin that the data is gone, or that the provider must be told by hand; nothing else is news."""
    found = disconnects.find(session, disconnect_id)
    if found is None or found.outcome is None or (found.outcome.done and found.data_erased_at is None):
        return
    _tell(session, found.organization_id, DISCONNECT_ENDED, found.id, {}, enqueue=enqueue, now=now)


def _tell(
    session: Session,
    organization_id: str,
    kind: str,
    subject: str,
    facts: Mapping[str, object],
    *,
    enqueue: Enqueue,
    now: datetime,
) -> None:
    for admin in organizations.admins(session, organization_id):
        add_message(
            session,
            enqueue,
            organization_id=organization_id,
            kind=kind,
            subject=subject,
            destination=f"{admin.team_id}/{admin.user_id}",
            member_id=admin.id,
            now=now,
            facts=facts,
        )


def flow_words(seal: Seal, connector_for: Callable[[Provider], Connector]) -> Mapping[str, Words]:
    """Return the words of the kinds of delivery that are flows' own."""

    def code(session: Session, delivery: Delivery, _now: datetime) -> Message:
        flow = _flow(session, delivery.subject.partition(".")[0])
        sealed = base64.b64decode(str(deliveries.facts_of(session, delivery.id).get("sealed", "")))
        digits = seal.open(sealed, *of_code(CONNECT_CODE, delivery.subject))
        return connect_code(digits, connector_for(flow.provider).label, delivery.expires_at)

    def changed(session: Session, delivery: Delivery, _now: datetime) -> Message:
        flow = _flow(session, delivery.subject)
        facts = deliveries.facts_of(session, delivery.id)
        source = sources.source(session, str(facts["source"]))
        return connection_changed(
            _person(organizations.member(session, flow.member_id)),
            provider=connector_for(flow.provider).label,
            company=source.company,
            source=source.label,
            newly=bool(facts["newly"]),
            missing=str(facts["missing"]) if facts.get("missing") else None,
            at=delivery.created_at,
            source_id=source.id,
            thawed=_known(facts.get("thawed")),
        )

    return {CONNECT_CODE: code, CONNECTION_CHANGED: changed}


def disconnect_words() -> Mapping[str, Words]:
    """Return the words of the kinds of delivery that are about a source which somebody disconnected."""

    def told(session: Session, delivery: Delivery, _now: datetime) -> Message:
        found = _disconnect(session, delivery.subject)
        facts = deliveries.facts_of(session, delivery.id)
        frozen = facts.get("frozen")
        return disconnected_told(
            _person(organizations.member(session, found.member_id)),
            sources.source(session, found.source_id),
            at=found.at,
            erase=found.erase_data,
            frozen_at=datetime.fromisoformat(str(frozen)) if frozen else None,
            dependents=_known(facts.get("dependents")),
        )

    def ended(session: Session, delivery: Delivery, _now: datetime) -> Message:
        found = _disconnect(session, delivery.subject)
        return disconnect_ended(
            sources.source(session, found.source_id), found.outcome or GrantEnd.NONE, erased_at=found.data_erased_at
        )

    return {DISCONNECTED: told, DISCONNECT_ENDED: ended}


def _kept(found: Sequence[Dependent]) -> list[list[str]]:
    return [[one.kind.value, one.id, one.name, one.noun] for one in found]


def _known(kept: object) -> list[Dependent]:
    """Return dependents as a delivery keeps them; deliveries from before say nothing of them."""
    listed = kept if isinstance(kept, list) else []
    return [Dependent(DependentKind(kind), *rest) for kind, *rest in listed]


def _disconnect(session: Session, disconnect_id: str) -> Disconnect:
    found = disconnects.find(session, disconnect_id)
    if found is None:
        raise KeyError(disconnect_id)
    return found


def _flow(session: Session, flow_id: str) -> Flow:
    found = flows.find(session, flow_id)
    if found is None:
        raise KeyError(flow_id)
    return found


def _person(member: Member) -> Person:
    return Person(member.name, member.team_id, member.user_id)
