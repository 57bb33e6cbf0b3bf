"""What Intuit's webhooks say, in the format of before and in CloudEvents: that records of companies changed."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from connectors.webhooks import UnusableError
from storage.facts.ids import derived_id
from storage.facts.webhooks import Event

#: The one thing that Intuit tells.
CHANGED = "changed"
_REALM = re.compile(r"[0-9]{1,32}", re.ASCII)
_MOST_REALMS = 200

Header = Callable[[bytes], bytes]


def read(header: Header, body: Any, text: str) -> list[Event]:
    """Return one event per company; its id is made of those of its changes, so that the same batch is one event.

    UnusableError for a body of neither format.
    """
    _ = header, text
    if isinstance(body, list):
        found = _cloud_events(body)
    elif isinstance(body, dict):
        found = _notifications(body)
    else:
        raise UnusableError("neither format")
    if len(found) > _MOST_REALMS:
        raise UnusableError("too many companies")
    return [Event(derived_id("whk", realm, *sorted(ids)), CHANGED, realm) for realm, ids in found.items()]


def _cloud_events(body: list[Any]) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    for event in body:
        if not isinstance(event, dict) or not _text(event, "specversion").startswith("1."):
            raise UnusableError("not CloudEvents 1")
        realm, name = _text(event, "intuitaccountid"), _text(event, "id")
        if not _REALM.fullmatch(realm) or not name:
            raise UnusableError("a CloudEvent without company or id")
        found.setdefault(realm, set()).add(name)
    return found


def _notifications(body: Mapping[str, Any]) -> Mapping[str, set[str]]:
    notifications = body.get("eventNotifications")
    if not isinstance(notifications, list):
        raise UnusableError("no eventNotifications")
    found: dict[str, set[str]] = {}
    for notification in notifications:
        realm = _text(notification, "realmId") if isinstance(notification, dict) else ""
        if not _REALM.fullmatch(realm):
            raise UnusableError("a notification without company")
        changes = notification.get("dataChangeEvent")
        entities = changes.get("entities") if isinstance(changes, dict) else None
        if not isinstance(entities, list) or not all(isinstance(entity, dict) for entity in entities):
            raise UnusableError("a notification without entities")
        found.setdefault(realm, set()).update(map(_change, entities))
    return found


def _change(entity: Mapping[str, Any]) -> str:
    return "\x1e".join(_text(entity, name) for name in ("name", "id", "operation", "lastUpdated"))


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    return value if isinstance(value, str) else ""
