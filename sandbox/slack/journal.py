"""The witness: an append-only record of what was accepted, called, refused and delivered."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime

from sandbox.slack.errors import Json
from sandbox.slack.messages import Message


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted effect; `version` counts the edits of one message (0: as posted)."""

    seq: int
    at: datetime
    #: post, update, delete, ephemeral, respond, open, push, update_view, publish, ack
    kind: str
    team: str
    channel: str | None
    ts: str | None
    user: str | None
    text: str
    blocks: list[Json]
    metadata: Json | None
    version: int = 0
    via: str = ""
    #: @channel, @here, @everyone in the text: a mass ping is an accident until somebody says otherwise
    pings: tuple[str, ...] = ()

    def wire(self) -> Json:
        """Return it as JSON, the instant in ISO form."""
        return asdict(self) | {"at": self.at.isoformat()}


@dataclass(frozen=True, slots=True)
class Call:
    """One Web API call as it was answered; `status` is None where no answer was given."""

    method: str
    team: str | None
    at: datetime
    status: int | None
    ok: bool
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """One refused call with Slack's words about it."""

    method: str
    error: str
    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to hand something to the app."""

    #: command, block_actions, view_submission, view_closed or the event's type
    kind: str
    at: datetime
    #: http or socket
    way: str
    status: int | None
    seconds: float
    error: str | None = None
    retry_num: int = 0
    event_id: str | None = None


@dataclass(slots=True)
class Journal:
    """Grows only; read it in the process or over `GET /_sandbox/journal`."""

    entries: list[Entry] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    #: descriptions of accepted blocks that the page cannot draw
    red: list[str] = field(default_factory=list)
    #: called after each change, so that the page and waiting tests look again
    watchers: list[Callable[[], None]] = field(default_factory=list)

    def message(self, kind: str, message: Message, at: datetime, pings: tuple[str, ...] = ()) -> None:
        """Record what happened to a message."""
        self.entries.append(
            Entry(
                len(self.entries) + 1,
                at,
                kind,
                message.team,
                message.channel,
                message.ts,
                message.ephemeral_to or message.user,
                message.text,
                message.blocks,
                message.metadata,
                len(message.versions),
                message.via,
                pings,
            )
        )
        self.changed()

    def view(self, kind: str, team: str, user: str, view: Json, at: datetime) -> None:
        """Record what happened to a modal or a Home tab."""
        title = view.get("title") or {}
        self.entries.append(
            Entry(
                len(self.entries) + 1,
                at,
                kind,
                team,
                None,
                view["id"],
                user,
                title.get("text", ""),
                view["blocks"],
                None,
                via=view["type"],
            )
        )
        self.changed()

    def posts(
        self, channel: str | None = None, *, event_type: str | None = None, key: str | None = None
    ) -> list[Entry]:
        """Return the accepted posts; `key` is looked for among the values of the metadata's event_payload."""
        return [
            entry
            for entry in self.entries
            if entry.kind == "post"
            and (channel is None or entry.channel == channel)
            and (event_type is None or (entry.metadata or {}).get("event_type") == event_type)
            and (key is None or key in (entry.metadata or {}).get("event_payload", {}).values())
        ]

    def changed(self) -> None:
        """Wake everyone who watches."""
        for watcher in self.watchers:
            watcher()
