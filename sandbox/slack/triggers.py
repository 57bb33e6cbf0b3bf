"""What an interaction hands to the app: a trigger_id for three seconds, a response_url for half an hour."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.slack.errors import Refusal
from storage.facts.clock import Clock

TRIGGER_LIFE = timedelta(seconds=3)
RESPONSE_LIFE = timedelta(minutes=30)
RESPONSE_USES = 5


@dataclass(slots=True)
class Trigger:
    """The right to open one modal."""

    team: str
    user: str
    issued_at: datetime
    used: bool = False


@dataclass(slots=True)
class ResponseUrl:
    """The right to answer in the place of an interaction, five times."""

    team: str
    channel: str
    user: str
    issued_at: datetime
    #: the message whose button was pressed, which may be replaced or deleted
    source_ts: str | None = None
    uses: int = 0


class Triggers:
    """All that were handed out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._triggers: dict[str, Trigger] = {}
        self._responses: dict[str, ResponseUrl] = {}

    def issue(self, team: str, user: str) -> str:
        """Return a new trigger_id."""
        name = f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**13)}.{secrets.token_hex(16)}"
        self._triggers[name] = Trigger(team, user, self._clock.now())
        return name

    def take(self, name: object, team: str) -> Trigger:
        """Use up a trigger_id; it is refused when it is unknown, used before, or older than three seconds."""
        trigger = self._triggers.get(name) if isinstance(name, str) else None
        if trigger is None or trigger.team != team:
            raise Refusal("invalid_trigger_id")
        if trigger.used:
            raise Refusal("exchanged_trigger_id")
        if self._clock.now() - trigger.issued_at > TRIGGER_LIFE:
            raise Refusal("expired_trigger_id")
        trigger.used = True
        return trigger

    def issue_response(self, team: str, channel: str, user: str, source_ts: str | None) -> str:
        """Return the secret last part of a new response_url."""
        name = secrets.token_hex(12)
        self._responses[name] = ResponseUrl(team, channel, user, self._clock.now(), source_ts)
        return name

    def take_response(self, name: str) -> ResponseUrl:
        """Count one use of a response_url; refused after five uses or thirty minutes."""
        response = self._responses.get(name)
        if response is None:
            raise Refusal("invalid_url", status=404)
        if response.uses >= RESPONSE_USES:
            raise Refusal("used_url", status=404)
        if self._clock.now() - response.issued_at > RESPONSE_LIFE:
            raise Refusal("expired_url", status=404)
        response.uses += 1
        return response
