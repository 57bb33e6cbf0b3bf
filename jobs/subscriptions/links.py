"""Links in mails that turn off such mails: signed, for one mail to one person about one topic, for 60 days."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.signing import Signing
from storage.facts.deliveries import Delivery
from storage.facts.secret import Secret
from storage.facts.subscriptions import Topic

#: Where the page is.
PATH = "/mail/off"
#: After that a link does nothing; mails of today carry fresh ones.
VALID = timedelta(days=60)
_TICKET = re.compile(r"(dlv_[a-z0-9]{1,64})\.([a-z]{1,20})\.([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a link says of itself; nothing of it is true before `MailLinks.made` says so."""

    delivery_id: str
    topic: Topic
    mark: str


class MailLinks:
    """Makes and checks links. Keys are those of SECRET_KEYS: links from before a rotation still count."""

    def __init__(self, keys: Sequence[Secret], public_url: str) -> None:
        self._signing = Signing("mail off", keys)
        self._public_url = public_url

    @property
    def one_click(self) -> bool:
        """Whether mail programs may press it (RFC 8058 wants https)."""
        return self._public_url.startswith("https://")

    def link(self, delivery: Delivery, topic: Topic) -> str:
        """Return the address for a mail; the same at every attempt to send it."""
        mark = self._signing.mark(*self._parts(delivery, topic))
        return f"{self._public_url}{PATH}?ticket={delivery.id}.{topic.value}.{mark}"

    def made(self, claim: Claim, delivery: Delivery, now: datetime) -> bool:
        """Whether the link was made here for that mail, its reader and that topic, and is young enough."""
        known = self._signing.made(claim.mark, *self._parts(delivery, claim.topic))
        return known and delivery.id == claim.delivery_id and now < delivery.created_at + VALID

    def _parts(self, delivery: Delivery, topic: Topic) -> tuple[str, ...]:
        return self._public_url, delivery.id, delivery.member_id or "", delivery.destination, topic.value


def read_ticket(text: str) -> Claim | None:
    """Return what a link claims; None for what no link of ours says."""
    found = _TICKET.fullmatch(text)
    if found is None or found[2] not in {topic.value for topic in Topic}:
        return None
    return Claim(found[1], Topic(found[2]), found[3])
