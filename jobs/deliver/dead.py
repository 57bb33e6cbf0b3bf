"""The words of a place that nothing reaches any more, from what was written down when it was found."""

from collections.abc import Mapping
from datetime import datetime

from jobs.deliver.posting import Words
from jobs.notify.kinds import PLACE_DEAD
from storage.facts.deliveries import Channel, Delivery
from storage.facts.messages import Message
from storage.records import deliveries, organizations
from storage.sessions import Session
from templates.notices.dead import place_dead


def dead_words() -> Mapping[str, Words]:
    """Return the words of the kind of delivery that is ours."""

    def told(session: Session, delivery: Delivery, _now: datetime) -> Message:
        facts = deliveries.facts_of(session, delivery.id)
        member_id = facts.get("member")
        person = organizations.member(session, str(member_id)).name if member_id else None
        name = str(facts["name"]) if facts.get("name") else None
        return place_dead(Channel(facts["channel"]), str(facts["place"]), person, str(facts["reason"]), name=name)

    return {PLACE_DEAD: told}
