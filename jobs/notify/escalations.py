"""Who is called when a refresh takes too long: support, whom the policy names, and those who wait are told."""

from datetime import datetime

from jobs.notify.kinds import ESCALATION_AGAIN, ESCALATION_CARD, ESCALATION_MAIL, ESCALATION_STEP, ESCALATION_TOLD
from jobs.notify.refreshes import AboutRefreshes
from storage.facts.deliveries import Channel, Delivery, DeliveryState
from storage.facts.people import Member, SlackIdentity
from storage.facts.policies import By
from storage.records import deliveries, escalations, organizations
from storage.sessions import Session


class Calls(AboutRefreshes):
    """Calls whoever can help, and tells who waits."""

    def call_support(self, session: Session, organization_id: str, subject: str, now: datetime) -> bool:
        """Post the living post about a refresh or a first read for support; return whether there is a channel."""
        channel = self.support_channel_of(session, organization_id)
        if channel:
            team_id, channel_id = channel.split("/")
            self._post_card(session, organization_id, ESCALATION_CARD, subject, team_id, channel_id, None, now)
        return bool(channel)

    def mail_support(self, session: Session, organization_id: str, subject: str, now: datetime) -> bool:
        """Mail the same to support; return whether there is an address."""
        email = self._support_email_of(session, organization_id)
        if email:
            self._add(session, organization_id, ESCALATION_MAIL, subject, Channel.EMAIL, email, None, now)
        return bool(email)

    def people_told(self, session: Session, subject: str, now: datetime) -> None:
        """Tell everyone who waits that support is called; nobody waits for a first read."""
        if not escalations.is_run(subject):
            self._tell_places_and_people(session, ESCALATION_TOLD, subject, now)

    def call_place(
        self, session: Session, organization_id: str, subject: str, place: str, now: datetime, by: By = By.SLACK
    ) -> bool:
        """Tell a channel or a person of the company; return whether Tidings may speak there (any more)."""
        team_id, there = place.split("/")
        if there.startswith(("U", "W")):
            person = organizations.member_by_identity(session, SlackIdentity(team_id, there))
            if person is None or person.organization_id != organization_id:
                return False
            self._call_person(session, subject, person, now, by if person.email_confirmed else By.SLACK)
            return True
        if (team_id, there) not in organizations.allowed_channels(session, organization_id):
            return False
        self._add(session, organization_id, ESCALATION_STEP, subject, Channel.SLACK, place, None, now)
        return True

    def call_instead(self, session: Session, organization_id: str, subject: str, now: datetime) -> None:
        """Somebody whom a policy names cannot be told: support is called once more, before its time the admins are."""
        called = escalations.find(session, subject.partition(".")[0])
        if called is not None and called.escalated_at is not None:
            self.call_again(session, organization_id, subject, now)
            return
        for admin in organizations.admins(session, organization_id):
            self._call_person(session, subject, admin, now, By.SLACK)

    def call_again(self, session: Session, organization_id: str, subject: str, now: datetime) -> None:
        """Call support once more, below its post and by mail: nobody has it in hand."""
        channel = self.support_channel_of(session, organization_id)
        if channel:
            self._add(session, organization_id, ESCALATION_AGAIN, subject, Channel.SLACK, channel, None, now)
        email = self._support_email_of(session, organization_id)
        if email:
            self._add(session, organization_id, ESCALATION_AGAIN, subject, Channel.EMAIL, email, None, now)

    def _call_person(self, session: Session, subject: str, person: Member, now: datetime, by: By) -> None:
        if by is not By.MAIL:
            self._direct(session, ESCALATION_STEP, subject, person, now)
        if by is not By.SLACK:
            self._mail(session, ESCALATION_STEP, subject, person, now)

    def _call_otherwise(self, session: Session, delivery: Delivery, now: datetime) -> None:
        """Call whom a policy names by the other way; where that did not work either, whoever else there is."""
        told = [one for one in deliveries.of_subject(session, delivery.subject) if one.kind == ESCALATION_STEP]
        lost = {DeliveryState.FAILED, DeliveryState.SKIPPED}
        if any(one.state not in lost for one in told if one.id != delivery.id):
            return
        person = organizations.still_member(session, delivery.member_id) if delivery.member_id else None
        ways = {one.channel for one in told if person is not None and one.member_id == person.id}
        if person is not None and Channel.SLACK not in ways:
            self._call_person(session, delivery.subject, person, now, By.SLACK)
        elif person is not None and Channel.EMAIL not in ways and person.email_confirmed:
            self._call_person(session, delivery.subject, person, now, By.MAIL)
        else:
            self.call_instead(session, delivery.organization_id, delivery.subject, now)
