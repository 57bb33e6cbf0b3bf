"""XML from outside: no document types, no entities, no more than was agreed; anything else is refused.

The parser of the system may or may not stop a bomb by itself: here nothing of the kind is ever begun.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import NoReturn
from xml.parsers import expat

#: what one document may be at most, in bytes; an answer about one order takes a few thousand
MOST_BYTES = 1_000_000
MOST_ELEMENTS = 20_000
MOST_DEPTH = 24
MOST_ATTRIBUTES = 16
#: signs of the address of a namespace: it is repeated with each name that is in it
MOST_ADDRESS = 200
#: between a name and the namespace before it; an address of a namespace may not hold it
_BETWEEN = "\n"


class XmlRefusedError(Exception):
    """The document is not read; the text says why, in words of ours."""


@dataclass(slots=True)
class Element:
    """A piece of a document, with what is in it."""

    name: str
    #: "" without one
    namespace: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Element"] = field(default_factory=list)
    #: the text that stands directly in it
    text: str = ""

    def child(self, name: str) -> "Element | None":
        """Return the first piece of that name directly in it."""
        return next((one for one in self.children if one.name == name), None)

    def said(self, name: str) -> str:
        """Return the text of that piece without the blanks around it; empty where there is none."""
        found = self.child(name)
        return found.text.strip() if found is not None else ""


def parse(document: str | bytes, *, most_bytes: int = MOST_BYTES, most_address: int = MOST_ADDRESS) -> Element:
    """Return the outermost piece; XmlRefusedError for whatever is not plain, small XML in UTF-8.

    `most_address`: signs that the address of a namespace may have.
    """
    if len(document) > most_bytes:
        raise XmlRefusedError("it is too large")
    try:
        raw = (document if isinstance(document, str) else document.decode()).encode()
    except UnicodeError:
        raise XmlRefusedError("it is not in UTF-8") from None
    if len(raw) > most_bytes:
        raise XmlRefusedError("it is too large")
    reader = _Reader()
    # The encoding is ours to say: what a document says of itself would choose the reader.
    parser = expat.ParserCreate("utf-8", _BETWEEN)
    parser.buffer_text = True
    parser.StartElementHandler = reader.begin
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartNamespaceDeclHandler = partial(_short, most_address)
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.UnparsedEntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    try:
        parser.Parse(raw, True)
    except expat.ExpatError as error:
        raise XmlRefusedError(f"it is not well-formed (line {error.lineno})") from None
    if reader.root is None:
        raise XmlRefusedError("there is nothing in it")
    return reader.root


def _refuse(*_: object) -> NoReturn:
    raise XmlRefusedError("it declares a document type or an entity")


def _short(most: int, _prefix: str | None, address: str | None) -> None:
    # Nothing of it is ever written out in the document, and still ten thousand names make gigabytes of one.
    if address is not None and len(address) > most:
        raise XmlRefusedError("it has a namespace with a long address")


class _Reader:
    """Puts the pieces together, as far as they may go."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._count = 0

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """Open a piece."""
        self._count += 1
        if self._count > MOST_ELEMENTS or len(self._open) >= MOST_DEPTH or len(attributes) > MOST_ATTRIBUTES:
            raise XmlRefusedError("it has too many parts, or is too deep")
        namespace, _, local = name.rpartition(_BETWEEN)
        plain = {key.rpartition(_BETWEEN)[2]: value for key, value in attributes.items()}
        element = Element(local, namespace, plain)
        if self._open:
            self._open[-1].children.append(element)
        elif self.root is None:
            self.root = element
        self._open.append(element)
        self._texts.append([])

    def text(self, said: str) -> None:
        """Take text for the piece that is open."""
        self._texts[-1].append(said)

    def end(self, _: str) -> None:
        """Close a piece."""
        self._open.pop().text = "".join(self._texts.pop())
