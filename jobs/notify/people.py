"""What is told of people, of their rights, and of what they asked to be sent."""

from datetime import datetime

from jobs.notify.kinds import (
    ACCESS_ASKED,
    ACCESS_DECIDED,
    AGAIN,
    CONNECTION_TICKET,
    MAIL_OFF,
    ON_CALL_LEFT,
    OWNER_LEFT,
    TEST,
    WELCOME,
    WORKSPACE_LEFT,
)
from jobs.notify.writing import Writing
from storage.facts.deliveries import Channel
from storage.facts.people import Member
from storage.records import organizations
from storage.sessions import Session


class AboutPeople(Writing):
    """Tells a person, the admins, or support."""

    def welcome(self, session: Session, installer: Member, now: datetime) -> None:
        """Tell whoever made the organization by installing it what to do first; once."""
        self._direct(session, WELCOME, installer.organization_id, installer, now)

    def workspace_left(self, session: Session, organization_id: str, team_id: str, now: datetime) -> None:
        """Mail to every admin that Slack reaches nobody there any more; Slack itself cannot tell them."""
        for admin in organizations.admins(session, organization_id):
            self._mail(session, WORKSPACE_LEFT, f"{team_id}.{int(now.timestamp())}", admin, now)

    def owner_left(self, session: Session, owner: Member, now: datetime) -> bool:
        """Tell every other admin, by DM and mail, else support; once for each leaver. Return whether that is news."""
        told = []
        for admin in organizations.admins(session, owner.organization_id):
            if admin.id == owner.id:
                continue
            told.append(self._direct(session, OWNER_LEFT, owner.id, admin, now))
            self._mail(session, OWNER_LEFT, owner.id, admin, now)
        channel = self.support_channel_of(session, owner.organization_id)
        if not told and channel:
            told.append(
                self._add(session, owner.organization_id, OWNER_LEFT, owner.id, Channel.SLACK, channel, None, now)
            )
        return any(told)

    def on_call_left(self, session: Session, left: Member, now: datetime) -> None:
        """Tell every other admin by DM that a person whom the escalation policy named is called no more."""
        subject = f"{left.id}.{int(now.timestamp())}"
        for admin in organizations.admins(session, left.organization_id):
            if admin.id != left.id:
                self._direct(session, ON_CALL_LEFT, subject, admin, now)

    def ticket(self, session: Session, subject: str, member: Member, now: datetime) -> None:
        """Post a ticket to support, and mail it to support and to the organization's account rep."""
        organization = organizations.organization(session, member.organization_id)
        channel = organization.support_channel or self._support_channel
        if channel:
            self._add(session, organization.id, CONNECTION_TICKET, subject, Channel.SLACK, channel, None, now)
        addresses = (organization.support_email or self._support_email, organization.account_rep)
        for address in dict.fromkeys(address for address in addresses if address and "@" in address):
            self._add(session, organization.id, CONNECTION_TICKET, subject, Channel.EMAIL, address, None, now)

    def access_asked(self, session: Session, organization_id: str, request_id: str, now: datetime) -> None:
        """Ask support for access to refreshes: a living post with the buttons, and a mail that says so."""
        channel = self.support_channel_of(session, organization_id)
        if channel:
            team_id, channel_id = channel.split("/")
            self._post_card(session, organization_id, ACCESS_ASKED, request_id, team_id, channel_id, None, now)
        email = self._support_email_of(session, organization_id)
        if email:
            self._add(session, organization_id, ACCESS_ASKED, request_id, Channel.EMAIL, email, None, now)

    def access_decided(self, session: Session, request_id: str, people: list[Member], now: datetime) -> None:
        """Tell whoever asked, by DM, and let support's post say who decided."""
        for person in people:
            self._direct(session, ACCESS_DECIDED, f"{request_id}.{person.id}", person, now)
        self.wake(session, [request_id], now)

    def again(
        self, session: Session, delivery_id: str, number: int, member: Member, channel: Channel, now: datetime
    ) -> str:
        """Send a message once more, to that person alone; return the new delivery's id."""
        address = member.email if channel is Channel.EMAIL else f"{member.team_id}/{member.user_id}"
        sent = self._add(
            session,
            member.organization_id,
            AGAIN,
            f"{delivery_id}.{number}.{member.id}",
            channel,
            address or f"member:{member.id}",
            member.id,
            now,
            repeats=delivery_id,
        )
        if sent is None:
            raise ValueError("a repetition has a number of its own")
        return sent

    def test(self, session: Session, test_id: str, member: Member, now: datetime) -> None:
        """Send a test by every way that there is to the person."""
        self._direct(session, TEST, test_id, member, now)
        self._mail(session, TEST, test_id, member, now)

    def mail_off(self, session: Session, subject: str, member: Member, now: datetime) -> bool:
        """Say in Slack that mails were turned off by the link in one; False for a link that was used before."""
        return bool(self._direct(session, MAIL_OFF, subject, member, now))
