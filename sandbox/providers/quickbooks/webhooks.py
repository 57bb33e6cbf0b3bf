"""Intuit's webhooks: changes of records, in the format of before and in CloudEvents; several companies in one body."""

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sandbox.providers.hooks import Hook


class Format(StrEnum):
    """How the body is made."""

    #: `{"eventNotifications": […]}`
    OLD = "old"
    #: a list of CloudEvents, with their own content type
    CLOUD_EVENTS = "cloudevents"
    #: the same under `application/json`, as Intuit sends it too
    CLOUD_EVENTS_AS_JSON = "cloudevents_as_json"


@dataclass(frozen=True, slots=True)
class Happened:
    """One change of a record."""

    realm: str
    entity: str
    id: str
    #: Create, Update, Delete, Merge, Void or Emailed
    operation: str = "Update"
    #: the CloudEvents id; empty: a new one
    event_id: str = ""


_PAST = {"Create": "created", "Update": "updated", "Delete": "deleted", "Merge": "merged", "Void": "voided",
         "Emailed": "emailed"}  # fmt: skip


def webhook(events: Sequence[Happened], verifier: str, at: datetime, style: Format) -> Hook:
    """Return a webhook about all these changes (KeyError for an unknown operation)."""
    said = _old(events, at) if style is Format.OLD else _cloud_events(events, at)
    body = json.dumps(said, separators=(",", ":")).encode()
    digest = hmac.new(verifier.encode(), body, hashlib.sha256).digest()
    cloud = style is Format.CLOUD_EVENTS
    headers = {
        "Content-Type": "application/cloudevents+json" if cloud else "application/json",
        "User-Agent": "intuit_notification_server",
        "intuit-signature": base64.b64encode(digest).decode(),
        "intuit-notification-schema-version": "1.0" if style is Format.OLD else "2.0",
        "intuit-t-id": f"1-{uuid.uuid4()}",
    }
    realms = dict.fromkeys(event.realm for event in events)
    return Hook(style.value, ",".join(realms), body, headers)


def _old(events: Sequence[Happened], at: datetime) -> dict[str, Any]:
    realms = dict.fromkeys(event.realm for event in events)
    when = at.isoformat(timespec="seconds")
    return {
        "eventNotifications": [
            {
                "realmId": realm,
                "dataChangeEvent": {
                    "entities": [
                        {"name": each.entity, "id": each.id, "operation": each.operation, "lastUpdated": when}
                        for each in events
                        if each.realm == realm
                    ]
                },
            }
            for realm in realms
        ]
    }


def _cloud_events(events: Sequence[Happened], at: datetime) -> list[dict[str, Any]]:
    # Nanoseconds, as Intuit writes them.
    when = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06d}517Z"
    return [
        {
            "specversion": "1.0",
            "id": each.event_id or str(uuid.uuid4()),
            "source": "intuit.c2FuZGJveA==",
            "type": f"qbo.{each.entity.lower()}.{_PAST[each.operation]}.v1",
            "datacontenttype": "application/json",
            "time": when,
            "intuitentityid": each.id,
            "intuitaccountid": each.realm,
            "data": {},
        }
        for each in events
    ]
