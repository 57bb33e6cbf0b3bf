"""Mails that bounce hours after a mail server took them: reports (RFC 3464) in the operator's mailbox, by token.

Each mail has an envelope sender of its own, ``bounces+<token>@…``. The token names the delivery and is signed with
SECRET_KEYS: a report to an address without a good one changes nothing.
"""

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import unquote, urlsplit

import structlog

from connectors.errors import ConnectorError
from connectors.mailed.imap import Mailbox
from jobs.deliver.fates import Fate, of_mail
from jobs.deliver.reports import LARGEST, Report, read_report
from jobs.notify.notifier import Notifier
from jobs.signing import Signing
from storage.facts.clock import Clock
from storage.facts.deliveries import Channel, Delivery
from storage.facts.ids import new_id
from storage.facts.secret import Secret
from storage.records import deliveries, leases
from storage.sessions import Database, Session

EVERY = 300.0
#: Mail servers give up within five days; what comes later than that changes nothing.
VALID = timedelta(days=14)
#: Mails of one look; the others wait for the next one.
_MOST = 200
_NAMED = r"\+([0-9a-hjkmnp-tv-z]{22})([a-z2-7]{24})@"

log = structlog.get_logger()


class BounceAddresses:
    """Makes envelope senders and knows them again; tokens from before a rotation of keys still count."""

    def __init__(self, keys: Sequence[Secret], address: str) -> None:
        self._signing = Signing("bounce", keys, _small)
        self._name, _, self._domain = address.partition("@")
        self._ours = re.compile(re.escape(self._name) + _NAMED + re.escape(self._domain), re.ASCII | re.IGNORECASE)

    def sender(self, delivery_id: str, recipient: str) -> str:
        """Return the envelope sender of a delivery: the same for every attempt."""
        mark = self._signing.mark(delivery_id, recipient)
        return f"{self._name}+{delivery_id.removeprefix('dlv_')}{mark}@{self._domain}"

    def claimed(self, recipients: Sequence[str]) -> list[tuple[str, str]]:
        """Return the deliveries that a report says it is about, each with its mark; nothing of it is true yet."""
        found = [match for one in recipients for match in self._ours.finditer(one)]
        return [(f"dlv_{match[1].lower()}", match[2].lower()) for match in found]

    def made(self, mark: str, delivery: Delivery, now: datetime) -> bool:
        """Whether the mark was made here for that mail, and is young enough."""
        known = self._signing.made(mark, delivery.id, delivery.destination)
        return known and now < (delivery.sent_at or delivery.created_at) + VALID


class Bounces:
    """Reads the mailbox, and writes down what did not arrive after all."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        notifier: Notifier,
        addresses: BounceAddresses,
        mailbox: Callable[[], Mailbox],
        *,
        may_act: Callable[[], bool] = lambda: True,
    ) -> None:
        self._database = database
        self._clock = clock
        self._notifier = notifier
        self._addresses = addresses
        self._mailbox = mailbox
        self._may_act = may_act
        self._holder = new_id("bnc")

    async def sweep(self) -> None:
        """Look once, where no other process looks; for the clock."""
        if not self._may_act():
            return
        seconds = EVERY * 0.6
        if await self._database.writing(lambda each: leases.acquire(each, "bounces", self._holder, seconds)) is None:
            return
        try:
            await self.look()
        except ConnectorError as error:
            log.warning("bounces_not_read", reason=str(error))

    async def look(self) -> None:
        """Read what is new and mark it as read, after it is written down; ConnectorError."""
        async with self._mailbox() as mailbox:
            new = (await mailbox.look())[:_MOST]
            for found in new:
                report = read_report(await mailbox.read(found)) if found.size <= LARGEST else None
                if report is not None:
                    await self._database.writing(partial(self.told, report=report))
            await mailbox.mark(new)

    def told(self, session: Session, report: Report) -> bool:
        """Write down what a report says of a mail of ours; return whether that is new: it is once."""
        now = self._clock.now()
        delivery = self._about(session, report, now)
        if delivery is None:
            return False
        if not report.failed:
            return deliveries.delayed(session, delivery.id, f"the mail server is still trying: {report.said}")
        reason = f"bounced: {report.said}"
        if not deliveries.bounced(session, delivery.id, reason, report.said, now):
            return False
        log.warning("delivery_bounced", delivery=delivery.id, kind=delivery.kind, reason=report.said)
        if now < delivery.expires_at:
            self._notifier.fall_back(session, delivery, now)
        if report.permanent and of_mail(550, report.status, recipient=False) is Fate.PLACE:
            self._notifier.place_dead(session, delivery, reason, now)
        return True

    def _about(self, session: Session, report: Report, now: datetime) -> Delivery | None:
        for delivery_id, mark in self._addresses.claimed(report.recipients):
            try:
                delivery = deliveries.delivery(session, delivery_id)
            except KeyError:
                continue
            if delivery.channel is Channel.EMAIL and self._addresses.made(mark, delivery, now):
                return delivery
        return None


@dataclass(frozen=True, slots=True)
class BounceMailbox:
    """The operator's mailbox, by its address ``imaps://user:password@host``."""

    url: Secret

    def __call__(self) -> Mailbox:
        """Return a connection that shows only what was not read yet."""
        parts = urlsplit(self.url.reveal())
        server = (parts.hostname or "") + (f":{parts.port}" if parts.port not in {None, 993} else "")
        secret = Secret(unquote(parts.password or ""))
        return Mailbox(server, unquote(parts.username or ""), secret, "INBOX", unread=True)


def _small(digest: bytes) -> str:
    # Small letters: some servers change the case of an address. 120 bits, so that 64 signs are enough for all of it.
    return base64.b32encode(digest[:15]).decode().lower()
