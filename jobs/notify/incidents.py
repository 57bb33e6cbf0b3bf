"""What is told of something wrong with a source, or with most of them."""

from datetime import datetime, timedelta

from jobs.notify.kinds import (
    EXPIRY_WARNING,
    FLEET_ALARM,
    INCIDENT_CARD,
    INCIDENT_MAIL,
    INCIDENT_NOTE,
    INCIDENT_REMINDER,
    MUTE_OVER,
)
from jobs.notify.writing import TURNED_OFF_HERE, Writing
from jobs.subscriptions.rooms import rooms
from jobs.subscriptions.routing import Recipient, recipients
from jobs.subscriptions.topics import of_incident
from storage.facts.deliveries import Channel, Delivery
from storage.facts.people import Member
from storage.facts.sources import Source
from storage.facts.subscriptions import Topic
from storage.records import cards, deliveries, incidents, organizations, sources
from storage.sessions import Session

#: Words are put together a moment before the intent to send them is written down.
_WORDS_TAKE = timedelta(seconds=10)


class AboutIncidents(Writing):
    """Tells channels, whoever can mend it, and the operator's support."""

    def incident(self, session: Session, incident_id: str, source: Source, now: datetime) -> None:
        """Tell, once: the first channel and those that chose to be told, and whoever connected it, or every admin."""
        organization_id = source.organization_id
        found = incidents.find(session, incident_id)
        topic = of_incident(found.kind) if found else Topic.DISCONNECTED
        for room in rooms(session, organization_id, topic, [source.id], anyway=True):
            if room.told:
                self._post_card(
                    session, organization_id, INCIDENT_CARD, incident_id, room.team_id, room.channel_id, None, now
                )
            else:
                self._add(session, organization_id, INCIDENT_CARD, incident_id, Channel.SLACK, room.place, None, now,
                          skip_reason=TURNED_OFF_HERE)  # fmt: skip
        for one in self._recipients(session, topic, source):
            person = one.member
            if Channel.SLACK in one.ways:
                self._post_card(
                    session, organization_id, INCIDENT_CARD, incident_id, person.team_id, person.user_id, person.id, now
                )
            self._mail(session, INCIDENT_MAIL, incident_id, person, now, ways=one.ways)

    def reminder(self, session: Session, incident_id: str, number: int, source: Source, now: datetime) -> None:
        """Remind the owner and the admins: by direct message, or by mail where they chose that."""
        admins = organizations.admins(session, source.organization_id)
        people = {person.id: person for person in [*self._concerned(session, source), *admins]}
        subject, organization_id = f"{incident_id}.{number}", source.organization_id
        topic = Topic.DISCONNECTED
        for one in recipients(session, organization_id, topic, [source.id], list(people.values()), somebody=True):
            if Channel.SLACK in one.ways:
                self._direct(session, INCIDENT_REMINDER, subject, one.member, now)
            else:
                self._mail(session, INCIDENT_REMINDER, subject, one.member, now, ways=one.ways)

    def expiry(self, session: Session, subject: str, source: Source, now: datetime) -> None:
        """Warn whoever can renew a grant that ends soon, by DM and mail."""
        for one in self._recipients(session, Topic.DISCONNECTED, source):
            if Channel.SLACK in one.ways:
                self._direct(session, EXPIRY_WARNING, subject, one.member, now)
            self._mail(session, EXPIRY_WARNING, subject, one.member, now, ways=one.ways)

    def mute_over(self, session: Session, subject: str, member_id: str, source: Source, now: datetime) -> None:
        """Say that a mute has ended, by DM to whoever muted; where that person has left, to every admin."""
        still = organizations.still_member(session, member_id)
        for person in [still] if still else organizations.admins(session, source.organization_id):
            self._direct(session, MUTE_OVER, subject, person, now)

    def incident_note(self, session: Session, incident_id: str, what: str, now: datetime) -> None:
        """Say a word below the posts about an incident, once in each place."""
        for card in cards.of_subject(session, INCIDENT_CARD, incident_id):
            place = f"{card.team_id}/{card.channel_id}"
            member_id = deliveries.delivery(session, card.delivery_id).member_id
            subject = f"{incident_id}.{what}"
            self._add(session, card.organization_id, INCIDENT_NOTE, subject, Channel.SLACK, place, member_id, now)

    def incident_joined(
        self, session: Session, incident_id: str, what: str, joined: list[Source], joined_at: datetime, now: datetime
    ) -> None:
        """Say below the posts about an incident, and by mail, what joined after they were sent."""
        said = {one.id: one for one in deliveries.of_subject(session, incident_id)}
        for card in cards.of_subject(session, INCIDENT_CARD, incident_id):
            if card.delivery_id in said and _before(said[card.delivery_id], joined_at):
                member_id, place = said[card.delivery_id].member_id, f"{card.team_id}/{card.channel_id}"
                subject = f"{incident_id}.{what}"
                self._add(session, card.organization_id, INCIDENT_NOTE, subject, Channel.SLACK, place, member_id, now)
        found = incidents.find(session, incident_id)
        topic = of_incident(found.kind) if found else Topic.LATE
        mailed = {one.member_id for one in said.values() if one.kind == INCIDENT_MAIL and _before(one, joined_at)}
        told = {one.member.id: one for source in joined for one in self._recipients(session, topic, source)}
        for one in told.values():
            if one.member.id in mailed and Channel.EMAIL in one.ways:
                self._mail(session, INCIDENT_MAIL, f"{incident_id}.{what}", one.member, now)

    def fleet(self, session: Session, alarm_id: str, organization_id: str, now: datetime) -> None:
        """Tell the operator's support, by a living post and a mail; the organization is one of those concerned."""
        if self._support_channel:
            team_id, channel_id = self._support_channel.split("/")
            self._post_card(session, organization_id, FLEET_ALARM, alarm_id, team_id, channel_id, None, now)
        if self._support_email:
            email = self._support_email
            self._add(session, organization_id, FLEET_ALARM, alarm_id, Channel.EMAIL, email, None, now)

    def _concerned(self, session: Session, source: Source) -> list[Member]:
        """Return who connected the source while they may reconnect it; else every admin."""
        admins = organizations.admins(session, source.organization_id)
        owner = sources.owner_of(session, source.id)
        return [admin for admin in admins if admin.id == owner] or admins

    def _recipients(self, session: Session, topic: Topic, source: Source) -> list[Recipient]:
        """Return who is told of something wrong with a source; it never happens that nobody is."""
        concerned = self._concerned(session, source)
        return recipients(session, source.organization_id, topic, [source.id], concerned, somebody=True)


def _before(delivery: Delivery, joined_at: datetime) -> bool:
    """Whether its words were put together before something joined; what is not sent yet will name it."""
    return delivery.intent_at is not None and delivery.intent_at < joined_at + _WORDS_TAKE
