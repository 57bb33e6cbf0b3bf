"""What is told of refreshes and of runs: the card where it was asked, the end, and that newer data is ready."""

from datetime import datetime

from jobs.notify.kinds import REFRESH_CARD, REFRESH_FINISHED, RUN_READY
from jobs.notify.writing import Writing
from jobs.refresh.ask import Place
from jobs.subscriptions.rooms import rooms
from jobs.subscriptions.routing import recipients
from jobs.subscriptions.topics import of_result
from storage.facts.deliveries import Channel, DeliveryState
from storage.facts.people import Member
from storage.facts.runs import Run
from storage.facts.subscriptions import Topic
from storage.records import cards, deliveries, organizations, refreshes
from storage.sessions import Session


class AboutRefreshes(Writing):
    """Tells those who asked, and those who chose to be told."""

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

    def run_ready(self, session: Session, run: Run, now: datetime) -> None:
        """Tell whoever chose to be told that a run of the clock made newer data ready; nobody else."""
        for room in rooms(session, run.organization_id, Topic.READY, [run.source_id], anyway=False):
            self._add(session, run.organization_id, RUN_READY, run.id, Channel.SLACK, room.place, None, now)
        found = recipients(session, run.organization_id, Topic.READY, [run.source_id], [])
        for one in found:
            if Channel.SLACK in one.ways:
                self._direct(session, RUN_READY, run.id, one.member, now)
            if Channel.EMAIL in one.ways:
                self._mail(session, RUN_READY, run.id, one.member, now)

    def wake_for_run(self, session: Session, run_id: str, now: datetime) -> None:
        """Let the cards of every refresh that waits for the run be looked at now."""
        self.wake(session, [*refreshes.waiting_for_run(session, run_id), run_id], now)

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
                self._direct(session, kind, refresh_id, one.member, now)
