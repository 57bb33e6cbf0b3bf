"""Many messages that were held, for quiet hours or because too many came, in one; each as things stand then."""

from collections.abc import Mapping
from datetime import datetime

from jobs.deliver.posting import Words
from jobs.deliver.words import message_for
from jobs.subscriptions.capping import BUNDLE
from storage.facts.deliveries import Delivery
from storage.facts.messages import Message
from storage.records import deliveries
from storage.sessions import Session
from templates.notices.quiet import HeldLine, flood_bundle, held_bundle


def with_bundles(own_words: Mapping[str, Words]) -> dict[str, Words]:
    """Return the words of each kind, and those that say several of them at once."""

    def bundle(session: Session, delivery: Delivery, now: datetime) -> Message:
        lines, facts = [], deliveries.facts_of(session, delivery.id)
        for one in facts["held"]:
            held = deliveries.delivery(session, str(one))
            lines.append(HeldLine(_said(session, held, own_words, now), held.created_at))
        if facts.get("too_many"):
            return flood_bundle(lines, over=len(facts.get("over", ())), bundle_id=delivery.id)
        return held_bundle(lines)

    return {**own_words, BUNDLE: bundle}


def _said(session: Session, held: Delivery, own_words: Mapping[str, Words], now: datetime) -> str | None:
    """Return what the message says in one sentence; None where what it was about is gone."""
    own = own_words.get(held.kind)
    try:
        message = own(session, held, now) if own else message_for(session, held.kind, held.subject, now)
    except KeyError:
        return None
    return message.summary
