"""What is attached to a mail. Read only once its sender is known; strict all the same, since mails are cut and spoilt.

Nothing is taken from a mail within the mail: its sender was checked by nobody. Names are texts to match patterns with,
and never paths.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from email import errors, policy
from email.header import decode_header, make_header
from email.message import MIMEPart
from email.parser import BytesParser

from connectors.files.store import LARGEST
from connectors.files.wrong import FileError
from connectors.mailed.zipped import MAGIC, Entry, unzipped

_MOST_PARTS, _DEEPEST, _MOST_LINES = 50, 5, 2000
_BOUNDARY = re.compile(rb"boundary(?:\*[0-9]*\*?)?\s*=", re.IGNORECASE)
_RULE = re.compile(rb"^--", re.MULTILINE)
#: What stands in the head of a part; the library takes minutes for very long ones.
_HEADER = re.compile(rb"^content-[a-z-]{1,40}[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*", re.IGNORECASE | re.MULTILINE)
_LONGEST_HEADER = 8 << 10
_ENCODINGS = frozenset({"", "7bit", "8bit", "binary", "base64", "quoted-printable"})
#: What Python notes about a mail that was cut or spoilt on its way. It notes harmless things, too.
_SPOILT = (
    errors.CloseBoundaryNotFoundDefect, errors.StartBoundaryNotFoundDefect, errors.NoBoundaryInMultipartDefect,
    errors.MultipartInvariantViolationDefect, errors.InvalidBase64PaddingDefect, errors.InvalidBase64CharactersDefect,
    errors.InvalidBase64LengthDefect, errors.MissingHeaderBodySeparatorDefect,
)  # fmt: skip
_LONGEST_NAME = 150


@dataclass(frozen=True, slots=True)
class Attached:
    """One file of a mail."""

    name: str
    #: as it came, or where it lies in a zip
    held: bytes | Entry
    size: int

    def parts(self) -> Iterator[bytes]:
        """Yield its content, some at a time."""
        return iter((self.held,)) if isinstance(self.held, bytes) else self.held.parts()


def attached(raw: bytes) -> list[Attached]:
    """Return the files of a mail by their names, those of zips too; FileError for a mail that is not whole."""
    if len(_BOUNDARY.findall(raw)) > _MOST_PARTS or len(_RULE.findall(raw)) > _MOST_LINES:
        raise FileError(f"has more than {_MOST_PARTS} parts")
    if any(len(match[0]) > _LONGEST_HEADER for match in _HEADER.finditer(raw)):
        raise FileError("has a part with a head that no mail has")
    try:
        mail = BytesParser(policy=policy.default).parsebytes(raw)
        parts = list(_parts(mail, 0)) if mail.is_multipart() else []
        found: list[Attached] = []
        for part in parts:
            found += _files(part, LARGEST - sum(one.size for one in found))
    except FileError:
        raise
    except (LookupError, TypeError, AttributeError, RecursionError, ValueError, errors.MessageError) as error:
        # The library stumbles over some of what can stand in the head of a part.
        raise FileError("cannot be read as a mail") from error
    return found


def _parts(mail: MIMEPart, depth: int) -> Iterator[MIMEPart]:
    if any(isinstance(defect, _SPOILT) for defect in mail.defects):
        raise FileError("was cut off or spoilt on its way")
    if depth > _DEEPEST:
        raise FileError("has parts within parts within parts")
    for number, part in enumerate(mail.iter_parts()):
        if number > _MOST_PARTS:
            raise FileError(f"has more than {_MOST_PARTS} parts")
        kind = part.get_content_maintype()
        if kind == "multipart":
            yield from _parts(part, depth + 1)
        elif kind != "message":
            yield part


def _files(part: MIMEPart, most: int) -> list[Attached]:
    name = part.get_filename()
    if name is None:
        return []
    if str(part.get("Content-Transfer-Encoding", "")).strip().lower() not in _ENCODINGS:
        raise FileError("has a part in an encoding that is not used any more")
    body = part.get_payload(decode=True)
    if not isinstance(body, bytes) or any(isinstance(defect, _SPOILT) for defect in part.defects):
        raise FileError("was cut off or spoilt on its way")
    if not body.startswith(MAGIC):
        return [Attached(plain_name(name), body, len(body))]
    return [Attached(plain_name(entry.name), entry, entry.size) for entry in unzipped(body, most)]


def plain_name(name: str) -> str:
    """Return the last part of a name, composed, without what cannot be seen."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", _whole(name)))[-1]
    shown = "".join(sign if sign.isprintable() else "_" for sign in last).strip()
    return shown[-_LONGEST_NAME:] or "_"


def plain_subject(said: str) -> str:
    """Return a subject as people read it."""
    try:
        shown = str(make_header(decode_header(said[:2000])))
    except (errors.MessageError, LookupError, ValueError):
        shown = said[:2000]
    return " ".join(unicodedata.normalize("NFC", _whole(shown)).split())


def _whole(said: str) -> str:
    """Return a text without halves of characters: nothing could store it."""
    return said.encode("utf-8", "replace").decode()
