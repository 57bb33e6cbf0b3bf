"""What a mail server reports about a mail that it took earlier (RFC 3464); anything else is no report."""

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from itertools import islice

#: Bytes of a report: it may carry the mail that bounced.
LARGEST = 512 << 10
_MOST_PARTS, _LONGEST, _MOST_SAID = 20, 2000, 200
#: Where mail servers write for whom a mail came.
_RECIPIENTS = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To")
_STATUS = re.compile(r"\s*([245]\.[0-9]{1,3}\.[0-9]{1,3})\b", re.ASCII)


@dataclass(frozen=True, slots=True)
class Report:
    """Said of one mail; nothing of it is true before its recipient proves to be ours."""

    recipients: tuple[str, ...]
    #: the mail did not arrive and will not; else it is still tried
    failed: bool
    #: such as ``5.1.1``
    status: str
    #: in the other server's words
    said: str

    @property
    def permanent(self) -> bool:
        """Whether it would fail again."""
        return self.failed and self.status.startswith("5.")


def read_report(raw: bytes) -> Report | None:
    """Return what a mail reports; None for what is no such report, or says neither failed nor delayed."""
    try:
        message = message_from_bytes(raw)
    except RecursionError:
        return None
    kind = str(message.get_param("report-type", "")).lower()
    parts = message.get_payload()
    if message.get_content_type() != "multipart/report" or kind != "delivery-status" or not isinstance(parts, list):
        return None
    said = [found for part in islice(parts, _MOST_PARTS) if isinstance(part, Message) for found in _said(part)]
    failed = next((one for one in said if one[0] == "failed"), None)
    chosen = failed or next((one for one in said if one[0] == "delayed"), None)
    if chosen is None:
        return None
    recipients = [_text(one) for name in _RECIPIENTS for one in islice(message.get_all(name, ()), _MOST_PARTS)]
    return Report(tuple(recipients), chosen[0] == "failed", chosen[1], chosen[2])


def _said(part: Message) -> list[tuple[str, str, str]]:
    """Return action, status and words for each recipient that the part names."""
    blocks = part.get_payload()
    if part.get_content_type() != "message/delivery-status" or not isinstance(blocks, list):
        return []
    found = []
    for block in islice(blocks, _MOST_PARTS):
        if isinstance(block, Message) and block.get("Action"):
            match = _STATUS.match(_text(block.get("Status", "")))
            status = match[1] if match else ""
            words = _text(block.get("Diagnostic-Code", "")).partition(";")[2].strip()[:_MOST_SAID]
            found.append((_text(block["Action"]).strip().lower(), status, words or status or "no reason was given"))
    return found


def _text(value: object) -> str:
    """Return a header as one line of signs that can be shown."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in str(value)[:_LONGEST]).split())
