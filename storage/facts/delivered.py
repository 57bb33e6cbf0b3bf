"""Where files are delivered to a source: a folder of the organization's own, a bucket and a prefix in it, a mailbox."""

import json
from dataclasses import dataclass

from storage.facts.secret import Secret
from storage.facts.sources import Provider

_FOLDER = "folder"
_BUCKETS = ("s3", "gcs")
_MAILBOX = "imap"


@dataclass(frozen=True, slots=True)
class DeliveryPlace:
    """Everything below one prefix of one root."""

    #: ``folder:<provider>:<organization>``, ``s3:<bucket>``, ``gcs:<bucket>``, or a mailbox's folder. Addresses of
    #: buckets are left out: one bucket may have several.
    root: str
    #: the names of the folders that lead there; none for all of the root
    prefix: tuple[str, ...] = ()

    def meets(self, other: "DeliveryPlace") -> bool:
        """Whether a file can lie in both: one is the other, or holds it."""
        shorter = min(len(self.prefix), len(other.prefix))
        return self.root == other.root and self.prefix[:shorter] == other.prefix[:shorter]

    def __str__(self) -> str:
        """Name it as people write it."""
        return f"{self.root}/{'/'.join(self.prefix)}"


def place_of(provider: Provider, organization_id: str, account: str, declared: Secret) -> DeliveryPlace | None:
    """Return the place that a grant reads; None where files are not delivered.

    `declared` is what a source of files has for a token: its declaration, as JSON, which no real token is. What cannot
    be read there, its connector refuses; the account alone then says what it can.
    """
    said = _said(declared)
    store, bucket, prefix = said.get("store", _FOLDER), said.get("bucket"), said.get("prefix") or said.get("folder")
    if said and store == _FOLDER:
        return DeliveryPlace(f"{_FOLDER}:{provider}:{organization_id}", _names(prefix))
    if store in _BUCKETS and isinstance(bucket, str):
        return DeliveryPlace(f"{store}:{bucket}", _names(said.get("prefix")))
    if store == _MAILBOX:
        # Reading a folder of a mailbox does not read what lies below it.
        whose, folder = f"{said.get('user')}@{said.get('endpoint')}".lower(), said.get("folder", "INBOX")
        return DeliveryPlace(f"{_MAILBOX}:{whose}:{folder}")
    return place_of_account(account)


def place_of_account(account: str) -> DeliveryPlace | None:
    """Return the place that an account names, as the form of a bucket has it: ``store:bucket/prefix``."""
    store, colon, rest = account.partition(":")
    bucket, _, prefix = rest.partition("/")
    return DeliveryPlace(f"{store}:{bucket}", _names(prefix)) if colon and store in _BUCKETS and bucket else None


def way_of(declared: Secret) -> str:
    """Return how files come to the source of a declaration, as people name it: ``via bucket``."""
    said = _said(declared)
    if said.get("store") == _MAILBOX or said.get("mail"):
        return "via email reports"
    return "via folder" if said.get("store", _FOLDER) == _FOLDER else "via bucket"


def _said(declared: Secret) -> dict[str, object]:
    try:
        said = json.loads(declared.reveal())
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _names(prefix: object) -> tuple[str, ...]:
    return tuple(name for name in prefix.split("/") if name) if isinstance(prefix, str) else ()
