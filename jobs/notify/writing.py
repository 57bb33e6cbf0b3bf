"""How a message is written down for sending: once, for one place, with a reason where it is left out."""

from collections.abc import Mapping
from datetime import datetime

from jobs.asks import Enqueue
from jobs.notify.kinds import ESCALATIONS, KEEP_TRYING
from jobs.work import Work
from storage.facts.deliveries import Channel
from storage.facts.ids import derived_id
from storage.facts.people import Member
from storage.facts.subscriptions import BOTH, Ways
from storage.records import cards, deliveries, organizations
from storage.sessions import Session

_TURNED_OFF = "turned off by the person, with /data notify"
TURNED_OFF_HERE = "turned off for this channel by an admin, with /data notify"
NO_ADDRESS = "no confirmed e-mail address"
_CHOSEN_OFF = frozenset({_TURNED_OFF, TURNED_OFF_HERE})


class Writing:
    """Writes deliveries in the transaction of what happened; nothing here talks to anybody."""

    def __init__(self, enqueue: Enqueue, *, support_channel: str, support_email: str) -> None:
        self._enqueue = enqueue
        self._support_channel = support_channel
        self._support_email = support_email

    def support_channel_of(self, session: Session, organization_id: str) -> str:
        """Return ``team/channel`` where support is told about the organization; empty where there is none."""
        return organizations.organization(session, organization_id).support_channel or self._support_channel

    def _support_email_of(self, session: Session, organization_id: str) -> str:
        return organizations.organization(session, organization_id).support_email or self._support_email

    def wake(self, session: Session, subjects: list[str], now: datetime) -> None:
        """Let the cards about these refreshes and runs be looked at now."""
        if subjects:
            cards.wake(session, subjects, now)

    def _add(
        self,
        session: Session,
        organization_id: str,
        kind: str,
        subject: str,
        channel: Channel,
        destination: str,
        member_id: str | None,
        now: datetime,
        *,
        skip_reason: str | None = None,
        repeats: str | None = None,
        facts: Mapping[str, object] | None = None,
    ) -> str | None:
        delivery_id = deliveries.add(
            session,
            organization_id=organization_id,
            kind=kind,
            subject=subject,
            channel=channel,
            destination=destination,
            member_id=member_id,
            now=now,
            expires_at=now + KEEP_TRYING,
            skip_reason=skip_reason,
            repeats=repeats,
            facts=facts,
        )
        if delivery_id is None and skip_reason is None:
            # Left out when it was about another source alone; now it is about one that they want to hear of.
            made = derived_id("dlv", kind, subject, channel, destination)
            delivery_id = deliveries.want_after_all(session, made, _CHOSEN_OFF, now, now + KEEP_TRYING)
        if delivery_id is not None and skip_reason is None:
            self._enqueue(session, Work("delivery", delivery_id, queue="notify", urgent=kind in ESCALATIONS))
        return delivery_id

    def _direct(
        self,
        session: Session,
        kind: str,
        subject: str,
        person: Member,
        now: datetime,
        *,
        facts: Mapping[str, object] | None = None,
    ) -> str | None:
        """Say it to a person by direct message; return the delivery's id unless it was written down before."""
        place = f"{person.team_id}/{person.user_id}"
        return self._add(
            session, person.organization_id, kind, subject, Channel.SLACK, place, person.id, now, facts=facts
        )

    def _mail(
        self, session: Session, kind: str, subject: str, person: Member, now: datetime, *, ways: Ways = BOTH
    ) -> None:
        address = person.email if person.email_confirmed else None
        turned_off = None if Channel.EMAIL in ways else _TURNED_OFF
        self._add(
            session,
            person.organization_id,
            kind,
            subject,
            Channel.EMAIL,
            address or f"member:{person.id}",
            person.id,
            now,
            skip_reason=turned_off or (None if address else NO_ADDRESS),
        )

    def _post_card(
        self,
        session: Session,
        organization_id: str,
        kind: str,
        refresh_id: str,
        team_id: str,
        channel_id: str,
        member_id: str | None,
        now: datetime,
    ) -> None:
        destination = f"{team_id}/{channel_id}"
        delivery_id = self._add(session, organization_id, kind, refresh_id, Channel.SLACK, destination, member_id, now)
        if delivery_id is not None:
            cards.add(
                session,
                organization_id=organization_id,
                kind=kind,
                subject=refresh_id,
                team_id=team_id,
                channel_id=channel_id,
                delivery_id=delivery_id,
            )
