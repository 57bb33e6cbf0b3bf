"""Who may send: an address of the list, which the receiving server found to be signed by its own domain.

What a mail says about itself proves nothing. So its head is read strictly, and whatever two readers could read
differently (two senders, a name that looks like an address) is nobody's.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import Message
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from enum import StrEnum

import msgspec

from connectors.mailed.results import Result, results

_LARGEST_HEAD = 256 << 10
_END = re.compile(rb"\r?\n\r?\n")
_ADDRESS = r"[A-Za-z0-9._%+=&'/-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+"
ADDRESS = re.compile(_ADDRESS, re.ASCII)
#: a bare address, or one in angle brackets behind a name without any
_FROM = re.compile(
    rf'(?:(?:"(?:[^"\\<>]|\\[^<>])*"|[^"<>,;:@()])*<(?P<named>{_ADDRESS})>|(?P<bare>{_ADDRESS}))', re.ASCII
)
_OLDEST = datetime(2000, 1, 1, tzinfo=UTC)


class Against(StrEnum):
    """What stands against a mail, in words that go on after "put aside:"."""

    UNREADABLE = "its head cannot be read without doubt"
    UNKNOWN = "its sender is not on the list"
    UNVOUCHED = "the receiving server said nothing about its sender"
    UNSIGNED = "the receiving server found no good signature of its sender's domain"
    UNCOVERED = "its sender's signature leaves out its date, its subject or a part of it"
    UNDATED = "its date cannot be read"
    REPLY = "it is an automatic reply"
    TOO_LARGE = "its head was not read: it is larger than 40 MB"
    NOTHING_ATTACHED = "no file is attached; if it has a link instead, split the search, or use a bucket"


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose mails count."""

    #: name of the receiving server, as it stands at the beginning of its Authentication-Results
    receiver: str
    #: exact addresses
    senders: tuple[str, ...]

    @property
    def known(self) -> frozenset[str]:
        """The addresses, lower-cased."""
        return frozenset(sender.lower() for sender in self.senders)


@dataclass(frozen=True, slots=True)
class Head:
    """What a mail's head says."""

    #: address, lower-cased; empty where it cannot be read
    sender: str
    subject: str
    message_id: str
    sent: datetime | None
    against: Against | None


def judged(raw: bytes, rules: Rules) -> Head:
    """Read a mail's head and judge it; nothing below the head is looked at."""
    head = _head(raw)
    if head is None:
        return Head("", "", "", None, Against.UNREADABLE)
    sender, sent = _sender(head), _sent(head)
    subject = str(head.get("Subject", ""))
    message_id = " ".join(str(head.get("Message-ID", "")).split())[:998]
    return Head(sender, subject, message_id, sent, _against(head, sender, sent, rules))


def _against(head: Message, sender: str, sent: datetime | None, rules: Rules) -> Against | None:
    if not sender:
        return Against.UNREADABLE
    if sender not in rules.known:
        return Against.UNKNOWN
    doubt = _doubt(head, sender.rpartition("@")[2], rules.receiver)
    if doubt is not None:
        return doubt
    if any(one.strip().lower().startswith("auto-replied") for one in _all(head, "Auto-Submitted")):
        return Against.REPLY
    return Against.UNDATED if sent is None else None


def _doubt(head: Message, domain: str, receiver: str) -> Against | None:
    """Say why it is not certain that the domain sent the mail, and as it is."""
    found = results(_all(head, "Authentication-Results"), receiver)
    if found is None:
        return Against.UNVOUCHED
    if not _signed(found, domain):
        return Against.UNSIGNED
    of_domain = [one for one in _all(head, "DKIM-Signature") if _is_of(one, domain)]
    return None if all(map(covers, of_domain)) else Against.UNCOVERED


def _signed(found: Sequence[Result], domain: str) -> bool:
    """Whether the sender's own domain signed: DMARC says so, or a good DKIM signature names exactly that domain."""
    dmarc = [one for one in found if one.method == "dmarc"]
    if any(one.result == "fail" for one in dmarc):
        return False
    if any(one.result == "pass" and one.said.get("header.from", "").lower() == domain for one in dmarc):
        return True
    good = [one.said for one in found if one.method == "dkim" and one.result == "pass"]
    return any(_signer(said) == domain for said in good)


def _signer(said: dict[str, str]) -> str:
    named = said.get("header.d") or said.get("header.i", "").rpartition("@")[2]
    return named.lower()


def covers(signature: str) -> bool:
    """Whether a DKIM signature is of all that counts: an old mail of the sender's could else be sent again, changed.

    Its date could be another one then, or a file could be appended (``l=``).
    """
    tags = _tags(signature)
    signed = set(tags.get("h", "").lower().split(":"))
    return "l" not in tags and signed >= {"from", "date", "subject"}


def _is_of(signature: str, domain: str) -> bool:
    """Whether a signature is of that domain, of one that it lies in, or cannot be told apart from such a one."""
    named = _tags(signature).get("d", domain).lower()
    return f".{domain}".endswith(f".{named}") or named.endswith(f".{domain}")


def _tags(signature: str) -> dict[str, str]:
    """Return the tags of a signature without any spaces; none where one is told twice."""
    pairs = ["".join(pair.split()).partition("=") for pair in signature.split(";") if pair.strip()]
    tags = {name: value for name, _, value in pairs}
    return tags if len(tags) == len(pairs) else {}


def _head(raw: bytes) -> Message | None:
    end = _END.search(raw, 0, _LARGEST_HEAD)
    if end is None or b"\0" in raw[: end.start()]:
        return None
    block = raw[: end.start()]
    if b"\r" in block.replace(b"\r\n", b"\n"):
        return None
    head = BytesParser(policy=policy.compat32).parsebytes(block + b"\r\n\r\n", headersonly=True)
    return None if head.defects or head.get_unixfrom() else head


def _all(head: Message, name: str) -> list[str]:
    return [str(value) for value in head.get_all(name, [])]


def _sender(head: Message) -> str:
    said = [" ".join(value.split()) for value in _all(head, "From")]
    match = _FROM.fullmatch(said[0]) if len(said) == 1 and len(said[0]) <= 998 else None
    return (match["named"] or match["bare"]).lower() if match else ""


def _sent(head: Message) -> datetime | None:
    said = _all(head, "Date")
    if len(said) != 1 or len(said[0]) > 200:
        return None
    try:
        sent = parsedate_to_datetime(said[0])
        # Without a zone (-0000) it is in UTC.
        sent = sent.replace(tzinfo=UTC) if sent.tzinfo is None else sent.astimezone(UTC)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
    return sent if sent >= _OLDEST else None
