"""Who is told what and where: rows of deliveries and living cards, written in the transaction of what happened."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from jobs.asks import Enqueue
from jobs.refresh.ask import Place
from jobs.subscriptions.rooms import rooms
from jobs.subscriptions.routing import Recipient, recipients
from jobs.subscriptions.topics import of_incident, of_result
from jobs.work import Work
from storage.facts.deliveries import Channel, Delivery, DeliveryState
from storage.facts.ids import derived_id
from storage.facts.operators import OPERATORS_KINDS
from storage.facts.people import Member, SlackIdentity
from storage.facts.policies import By
from storage.facts.runs import Run
from storage.facts.sources import Source
from storage.facts.subscriptions import BOTH, Topic, Ways
from storage.records import cards, channels, deliveries, escalations, incidents, organizations, refreshes, sources
from storage.sessions import Session

REFRESH_CARD = "refresh_card"
REFRESH_FINISHED = "refresh_finished"
#: a word in the thread while a refresh goes on
REFRESH_BEAT = "refresh_beat"
ESCALATION_CARD = "escalation_card"
ESCALATION_MAIL = "escalation_mail"
ESCALATION_TOLD = "escalation_told"
#: a channel or a person of the company is called by its policy. Its subject: the refresh and the step
ESCALATION_STEP = "escalation_step"
#: whom a policy named has left. Its subject: the member and when
ON_CALL_LEFT = "on_call_left"
#: support is called once more. Its subject: the refresh and the number of the call
ESCALATION_AGAIN = "escalation_again"
#: What goes before everything else that waits to be sent, and what no quiet hours, mute or snooze ever holds.
ESCALATIONS = frozenset({ESCALATION_CARD, ESCALATION_MAIL, ESCALATION_TOLD, ESCALATION_STEP, ESCALATION_AGAIN})
INCIDENT_CARD = "incident_card"
INCIDENT_MAIL = "incident_mail"
INCIDENT_REMINDER = "incident_reminder"
#: a word in the thread of an incident. Its subject: the incident and what the word is about
INCIDENT_NOTE = "incident_note"
#: most sources stand badly at once: support alone is told
FLEET_ALARM = "fleet_alarm"
#: Tidings was removed from a Slack workspace
WORKSPACE_LEFT = "workspace_left"
#: what to do first, to whoever installed it and became admin by that; by DM. Its subject: the organization
WELCOME = "welcome"
EXPIRY_WARNING = "expiry_warning"
#: alarms that somebody muted are told again. Its subject: the source, the instant and the kinds
MUTE_OVER = "mute_over"
CONNECTION_TICKET = "connection_ticket"
#: whoever connected a source is no full member of the Slack workspace any more
OWNER_LEFT = "owner_left"
#: support is asked for access to refreshes, by post and mail; the post is edited to the decision
ACCESS_ASKED = "access_asked"
#: whoever asked is told what support decided
ACCESS_DECIDED = "access_decided"

#: a message that was sent before, to whoever asked for it once more. Its subject: the delivery, a number, the member
AGAIN = "again"
#: a person tries whether messages reach them
TEST = "test"
#: the link in a mail turned off such mails. Its subject: the mail and the topic
MAIL_OFF = "mail_off"
#: the admins are told that nothing reaches a channel, a person or an address any more
PLACE_DEAD = "place_dead"
#: What goes by mail where Slack does not take it; everything else is mailed anyway, or means nothing elsewhere.
_ONLY_BY_SLACK = frozenset({INCIDENT_REMINDER, ACCESS_DECIDED})
#: What goes by direct message where the mail server does not take it.
_DIRECTLY_TOO = frozenset({REFRESH_FINISHED, ESCALATION_TOLD, EXPIRY_WARNING, INCIDENT_REMINDER})
#: Signs of a reason that go into a message.
_MOST_REASON = 300
#: a run that the clock began made data ready; to whoever chose to be told. Its subject: the run
RUN_READY = "run_ready"
#: What may be sent again: it says how things stand, and opens nothing.
REPEATABLE = frozenset(
    {
        REFRESH_FINISHED,
        ESCALATION_TOLD,
        INCIDENT_CARD,
        INCIDENT_MAIL,
        INCIDENT_REMINDER,
        EXPIRY_WARNING,
    }
)

#: No message is sent later than that after what it tells.
KEEP_TRYING = timedelta(hours=24)

_TURNED_OFF = "turned off by the person, with /data notify"
_TURNED_OFF_HERE = "turned off for this channel by an admin, with /data notify"
_NO_ADDRESS = "no confirmed e-mail address"
_CHOSEN_OFF = frozenset({_TURNED_OFF, _TURNED_OFF_HERE})

#: Words are put together a moment before the intent to send them is written down.
_WORDS_TAKE = timedelta(seconds=10)


class Notifier:
    """Writes deliveries; nothing here talks to anybody."""

    def __init__(self, enqueue: Enqueue, *, support_channel: str, support_email: str) -> None:
        self._enqueue = enqueue
        self._support_channel = support_channel
        self._support_email = support_email

    def card(self, session: Session, refresh_id: str, member: Member, place: Place, now: datetime) -> None:
        """Post the living card where it was asked when Tidings may speak there, else in the asker's DM."""
        allowed = organizations.is_allowed_channel(session, place.team_id, place.channel_id)
        if allowed and self._refused(session, refresh_id, place):
            allowed = False
        channel_id = place.channel_id if allowed else member.user_id
        self._post_card(
            session, member.organization_id, REFRESH_CARD, refresh_id, member.team_id, channel_id, member.id, now
        )

    def finished(self, session: Session, refresh_id: str, now: datetime) -> None:
        """Confirm the end of a refresh in the thread of each card and to each person's confirmed address."""
        self._tell_places_and_people(session, REFRESH_FINISHED, refresh_id, now)
        self.wake(session, [refresh_id], now)

    def people_told(self, session: Session, subject: str, now: datetime) -> None:
        """Tell everyone who waits that support is called; nobody waits for a first read."""
        if not escalations.is_run(subject):
            self._tell_places_and_people(session, ESCALATION_TOLD, subject, now)

    def call_support(self, session: Session, organization_id: str, subject: str, now: datetime) -> bool:
        """Post the living post about a refresh or a first read for support; return whether there is a channel."""
        channel = self.support_channel_of(session, organization_id)
        if channel:
            team_id, channel_id = channel.split("/")
            self._post_card(session, organization_id, ESCALATION_CARD, subject, team_id, channel_id, None, now)
        return bool(channel)

    def mail_support(self, session: Session, organization_id: str, subject: str, now: datetime) -> bool:
        """Mail the same to support; return whether there is an address."""
        email = organizations.organization(session, organization_id).support_email or self._support_email
        if email:
            self._add(session, organization_id, ESCALATION_MAIL, subject, Channel.EMAIL, email, None, now)
        return bool(email)

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

    def _call_person(self, session: Session, subject: str, person: Member, now: datetime, by: By) -> None:
        place, organization_id = f"{person.team_id}/{person.user_id}", person.organization_id
        if by is not By.MAIL:
            self._add(session, organization_id, ESCALATION_STEP, subject, Channel.SLACK, place, person.id, now)
        if by is not By.SLACK:
            self._mail(session, ESCALATION_STEP, subject, person, now)

    def call_again(self, session: Session, organization_id: str, subject: str, now: datetime) -> None:
        """Call support once more, below its post and by mail: nobody has it in hand."""
        channel = self.support_channel_of(session, organization_id)
        if channel:
            self._add(session, organization_id, ESCALATION_AGAIN, subject, Channel.SLACK, channel, None, now)
        email = organizations.organization(session, organization_id).support_email or self._support_email
        if email:
            self._add(session, organization_id, ESCALATION_AGAIN, subject, Channel.EMAIL, email, None, now)

    def support_channel_of(self, session: Session, organization_id: str) -> str:
        """Return ``team/channel`` where support is told about the organization; empty where there is none."""
        return organizations.organization(session, organization_id).support_channel or self._support_channel

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
                          skip_reason=_TURNED_OFF_HERE)  # fmt: skip
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
            person, place = one.member, f"{one.member.team_id}/{one.member.user_id}"
            if Channel.SLACK in one.ways:
                self._add(session, organization_id, INCIDENT_REMINDER, subject, Channel.SLACK, place, person.id, now)
            else:
                self._mail(session, INCIDENT_REMINDER, subject, person, now, ways=one.ways)

    def expiry(self, session: Session, subject: str, source: Source, now: datetime) -> None:
        """Warn whoever can renew a grant that ends soon, by DM and mail."""
        for one in self._recipients(session, Topic.DISCONNECTED, source):
            person, destination = one.member, f"{one.member.team_id}/{one.member.user_id}"
            if Channel.SLACK in one.ways:
                self._add(
                    session, person.organization_id, EXPIRY_WARNING, subject, Channel.SLACK, destination, person.id, now
                )
            self._mail(session, EXPIRY_WARNING, subject, person, now, ways=one.ways)

    def mute_over(self, session: Session, subject: str, member_id: str, source: Source, now: datetime) -> None:
        """Say that a mute has ended, by DM to whoever muted; where that person has left, to every admin."""
        still = organizations.still_member(session, member_id)
        for person in [still] if still else organizations.admins(session, source.organization_id):
            place = f"{person.team_id}/{person.user_id}"
            self._add(session, source.organization_id, MUTE_OVER, subject, Channel.SLACK, place, person.id, now)

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
        email = organizations.organization(session, organization_id).support_email or self._support_email
        if email:
            self._add(session, organization_id, ACCESS_ASKED, request_id, Channel.EMAIL, email, None, now)

    def access_decided(self, session: Session, request_id: str, people: list[Member], now: datetime) -> None:
        """Tell whoever asked, by DM, and let support's post say who decided."""
        for person in people:
            subject, place = f"{request_id}.{person.id}", f"{person.team_id}/{person.user_id}"
            self._add(session, person.organization_id, ACCESS_DECIDED, subject, Channel.SLACK, place, person.id, now)
        self.wake(session, [request_id], now)

    def _concerned(self, session: Session, source: Source) -> list[Member]:
        """Return who connected the source while they may reconnect it; else every admin."""
        admins = organizations.admins(session, source.organization_id)
        owner = sources.owner_of(session, source.id)
        return [admin for admin in admins if admin.id == owner] or admins

    def _recipients(self, session: Session, topic: Topic, source: Source) -> list[Recipient]:
        """Return who is told of something wrong with a source; it never happens that nobody is."""
        concerned = self._concerned(session, source)
        return recipients(session, source.organization_id, topic, [source.id], concerned, somebody=True)

    def run_ready(self, session: Session, run: Run, now: datetime) -> None:
        """Tell whoever chose to be told that a run of the clock made newer data ready; nobody else."""
        for room in rooms(session, run.organization_id, Topic.READY, [run.source_id], anyway=False):
            self._add(session, run.organization_id, RUN_READY, run.id, Channel.SLACK, room.place, None, now)
        found = recipients(session, run.organization_id, Topic.READY, [run.source_id], [])
        for one in found:
            person, place = one.member, f"{one.member.team_id}/{one.member.user_id}"
            if Channel.SLACK in one.ways:
                self._add(session, person.organization_id, RUN_READY, run.id, Channel.SLACK, place, person.id, now)
            if Channel.EMAIL in one.ways:
                self._mail(session, RUN_READY, run.id, person, now)

    def workspace_left(self, session: Session, organization_id: str, team_id: str, now: datetime) -> None:
        """Mail to every admin that Slack reaches nobody there any more; Slack itself cannot tell them."""
        for admin in organizations.admins(session, organization_id):
            self._mail(session, WORKSPACE_LEFT, f"{team_id}.{int(now.timestamp())}", admin, now)

    def welcome(self, session: Session, installer: Member, now: datetime) -> None:
        """Tell whoever made the organization by installing it what to do first; once."""
        place = f"{installer.team_id}/{installer.user_id}"
        self._add(session, installer.organization_id, WELCOME, installer.organization_id, Channel.SLACK, place,
                  installer.id, now)  # fmt: skip

    def owner_left(self, session: Session, owner: Member, now: datetime) -> bool:
        """Tell every other admin, by DM and mail, else support; once for each leaver. Return whether that is news."""
        told = []
        for admin in organizations.admins(session, owner.organization_id):
            if admin.id == owner.id:
                continue
            place = f"{admin.team_id}/{admin.user_id}"
            told.append(
                self._add(session, admin.organization_id, OWNER_LEFT, owner.id, Channel.SLACK, place, admin.id, now)
            )
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
                place, organization_id = f"{admin.team_id}/{admin.user_id}", admin.organization_id
                self._add(session, organization_id, ON_CALL_LEFT, subject, Channel.SLACK, place, admin.id, now)

    def wake(self, session: Session, subjects: list[str], now: datetime) -> None:
        """Let the cards about these refreshes and runs be looked at now."""
        if subjects:
            cards.wake(session, subjects, now)

    def wake_for_run(self, session: Session, run_id: str, now: datetime) -> None:
        """Let the cards of every refresh that waits for the run be looked at now."""
        self.wake(session, [*refreshes.waiting_for_run(session, run_id), run_id], now)

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
            self._tell_directly(session, delivery.kind, delivery.subject, person, now)
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
            place = f"{admin.team_id}/{admin.user_id}"
            if admin.id == delivery.member_id:
                continue
            self._add(
                session, admin.organization_id, PLACE_DEAD, subject, Channel.SLACK, place, admin.id, now, facts=facts
            )
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
        place = f"{member.team_id}/{member.user_id}"
        self._add(session, member.organization_id, TEST, test_id, Channel.SLACK, place, member.id, now)
        self._mail(session, TEST, test_id, member, now)

    def mail_off(self, session: Session, subject: str, member: Member, now: datetime) -> bool:
        """Say in Slack that mails were turned off by the link in one; False for a link that was used before."""
        place = f"{member.team_id}/{member.user_id}"
        return bool(self._add(session, member.organization_id, MAIL_OFF, subject, Channel.SLACK, place, member.id, now))

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
        self._tell_directly(session, delivery.kind, delivery.subject, person, now)
        return True

    def _tell_directly(self, session: Session, kind: str, refresh_id: str, person: Member, now: datetime) -> None:
        if kind == REFRESH_CARD:
            self._post_card(
                session, person.organization_id, kind, refresh_id, person.team_id, person.user_id, person.id, now
            )
            return
        destination = f"{person.team_id}/{person.user_id}"
        self._add(session, person.organization_id, kind, refresh_id, Channel.SLACK, destination, person.id, now)

    def _refused(self, session: Session, refresh_id: str, place: Place) -> bool:
        """Whether the card of the refresh was refused in that channel."""
        found = cards.of_subject(session, REFRESH_CARD, refresh_id)
        here = [card for card in found if (card.team_id, card.channel_id) == (place.team_id, place.channel_id)]
        return any(deliveries.delivery(session, card.delivery_id).state is DeliveryState.FAILED for card in here)

    def _tell_places_and_people(self, session: Session, kind: str, refresh_id: str, now: datetime) -> None:
        organization_id = refreshes.row(session, refresh_id).organization_id
        for card in cards.of_subject(session, REFRESH_CARD, refresh_id):
            destination = f"{card.team_id}/{card.channel_id}"
            member_id = deliveries.delivery(session, card.delivery_id).member_id
            self._add(session, organization_id, kind, refresh_id, Channel.SLACK, destination, member_id, now)
        people = refreshes.people_of(session, refresh_id)
        if kind != REFRESH_FINISHED:
            for person in people:
                self._mail(session, kind, refresh_id, person, now)
            return
        waited = refreshes.runs_of(session, refresh_id)
        topic, ids = of_result(run for _, run, _ in waited), [source.id for source, _, _ in waited]
        for room in rooms(session, organization_id, topic, ids, anyway=False):
            # Where somebody asked, the card and the word below it are there already.
            self._add(session, organization_id, kind, refresh_id, Channel.SLACK, room.place, None, now)
        for one in recipients(session, organization_id, topic, ids, people):
            self._mail(session, kind, refresh_id, one.member, now, ways=one.ways)
            if one.member not in people and Channel.SLACK in one.ways:
                # Those who asked have the card and the word below it.
                self._tell_directly(session, kind, refresh_id, one.member, now)

    def _mail(
        self,
        session: Session,
        kind: str,
        subject: str,
        person: Member,
        now: datetime,
        *,
        ways: Ways = BOTH,
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
            skip_reason=turned_off or (None if address else _NO_ADDRESS),
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


def _before(delivery: Delivery, joined_at: datetime) -> bool:
    """Whether its words were put together before something joined; what is not sent yet will name it."""
    return delivery.intent_at is not None and delivery.intent_at < joined_at + _WORDS_TAKE
