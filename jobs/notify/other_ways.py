"""What becomes of a message that a place does not take: another way to the same people, and a word to the admins."""

from datetime import datetime

from jobs.notify.escalations import Calls
from jobs.notify.kinds import (
    ACCESS_DECIDED,
    ESCALATION_STEP,
    ESCALATION_TOLD,
    EXPIRY_WARNING,
    INCIDENT_REMINDER,
    PLACE_DEAD,
    REFRESH_CARD,
    REFRESH_FINISHED,
)
from storage.facts.deliveries import Channel, Delivery
from storage.facts.ids import derived_id
from storage.facts.operators import OPERATORS_KINDS
from storage.records import channels, deliveries, organizations, refreshes
from storage.sessions import Session

#: What goes by mail where Slack does not take it; everything else is mailed anyway, or means nothing elsewhere.
_ONLY_BY_SLACK = frozenset({INCIDENT_REMINDER, ACCESS_DECIDED})
#: What goes by direct message where the mail server does not take it.
_DIRECTLY_TOO = frozenset({REFRESH_FINISHED, ESCALATION_TOLD, EXPIRY_WARNING, INCIDENT_REMINDER})
#: Signs of a reason that go into a message.
_MOST_REASON = 300


class OtherWays(Calls):
    """Finds another way, and says that a place is dead."""

    def fall_back(self, session: Session, delivery: Delivery, now: datetime) -> bool:
        """Take another way for what could not be said: the people's own direct messages, then mail; and back.

        Return whether there is one.
        """
        if delivery.kind == ESCALATION_STEP:
            self._call_otherwise(session, delivery, now)
            return True
        if delivery.member_id is None:
            return False
        if delivery.channel is Channel.EMAIL:
            return self._instead_of_mail(session, delivery, now)
        if delivery.destination.split("/")[1].startswith(("U", "W")):
            return self._by_mail(session, delivery, now)
        for person in refreshes.people_of(session, delivery.subject):
            if delivery.kind == REFRESH_CARD:
                self._post_card(session, person.organization_id, REFRESH_CARD, delivery.subject, person.team_id,
                                person.user_id, person.id, now)  # fmt: skip
            else:
                self._direct(session, delivery.kind, delivery.subject, person, now)
        return True

    def meanwhile(self, session: Session, delivery: Delivery, now: datetime) -> bool:
        """Say by the other channel what this one does not take until somebody mends the set-up."""
        if delivery.kind == ESCALATION_STEP:
            self._call_otherwise(session, delivery, now)
            return True
        if delivery.member_id is None:
            return False
        by_mail = delivery.channel is Channel.EMAIL
        return self._instead_of_mail(session, delivery, now) if by_mail else self._by_mail(session, delivery, now)

    def place_dead(self, session: Session, delivery: Delivery, reason: str, now: datetime) -> None:
        """Tell the admins, once since something last arrived there, that nothing can be said in a place any more."""
        if delivery.kind in OPERATORS_KINDS:
            # The place is the operator's and no customer's business; that it is dead shows in the log and the canary.
            return
        last = deliveries.last_sent_to(session, delivery.channel, delivery.destination)
        subject = derived_id("ded", delivery.organization_id, delivery.channel, delivery.destination, last or "")
        facts = {"channel": delivery.channel.value, "place": delivery.destination, "reason": reason[:_MOST_REASON]}
        if delivery.member_id is not None:
            facts["member"] = delivery.member_id
        name = self.name_of(session, delivery)
        if name is not None:
            facts["name"] = name
        told = False
        for admin in organizations.admins(session, delivery.organization_id):
            if admin.id == delivery.member_id:
                continue
            self._direct(session, PLACE_DEAD, subject, admin, now, facts=facts)
            told = True
        channel = self.support_channel_of(session, delivery.organization_id)
        if not told and channel and channel != delivery.destination:
            organization_id = delivery.organization_id
            self._add(session, organization_id, PLACE_DEAD, subject, Channel.SLACK, channel, None, now, facts=facts)

    def name_of(self, session: Session, delivery: Delivery) -> str | None:
        """Return what a channel was called when it was last known: Slack names no channel that is gone."""
        if delivery.channel is not Channel.SLACK:
            return None
        return channels.last_name(session, delivery.organization_id, delivery.destination.partition("/")[2])

    def _by_mail(self, session: Session, delivery: Delivery, now: datetime) -> bool:
        """Mail what only Slack would have said. The rest is mailed anyway."""
        if delivery.kind not in _ONLY_BY_SLACK:
            return False
        person = organizations.member(session, delivery.member_id or "")
        self._mail(session, delivery.kind, delivery.subject, person, now)
        return True

    def _instead_of_mail(self, session: Session, delivery: Delivery, now: datetime) -> bool:
        """Say by direct message what the mail server does not take; nothing where it was said there already."""
        if delivery.kind not in _DIRECTLY_TOO:
            return False
        person = organizations.member(session, delivery.member_id or "")
        self._direct(session, delivery.kind, delivery.subject, person, now)
        return True
