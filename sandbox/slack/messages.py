"""The messages of all channels, and who may see which."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from sandbox.slack.errors import Json

#: Keys that hold words a person sees, in blocks of any type.
_VISIBLE = ("text", "title", "details", "output", "caption", "label", "value_text")


@dataclass(slots=True)
class Message:
    """One message as it stands; `versions` keeps the texts and blocks that it had before."""

    ts: str
    channel: str
    team: str
    user: str
    text: str
    at: datetime
    blocks: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    thread_ts: str | None = None
    bot_id: str | None = None
    edited_ts: str | None = None
    #: the only person who sees it
    ephemeral_to: str | None = None
    deleted: bool = False
    broadcast: bool = False
    #: chat.postMessage, response_url, ack, person …
    via: str = ""
    versions: list["Message"] = field(default_factory=list)

    @property
    def everything(self) -> str:
        """All words that a person sees, of the blocks and of the text, for `in` checks."""
        return "\n".join([*words(self.blocks), self.text])

    @property
    def actions(self) -> dict[str, Json]:
        """The interactive elements by action_id."""
        return {element["action_id"]: element for _, element in interactive(self.blocks)}

    @property
    def is_reply(self) -> bool:
        """Whether it stands in a thread, not at its top."""
        return self.thread_ts is not None and self.thread_ts != self.ts

    def seen_by(self, viewer: str | None) -> bool:
        """Whether that viewer sees it; no viewer means the witness, who sees what everybody in the channel sees."""
        return not self.deleted and (self.ephemeral_to is None or self.ephemeral_to == viewer)

    def keep_version(self) -> None:
        """Remember how it reads now, before an edit."""
        self.versions.append(replace(self, versions=[]))

    def wire(self, *, with_metadata: bool = True) -> Json:
        """Return it as `conversations.history` and payloads show it."""
        shown: Json = {"type": "message", "user": self.user, "ts": self.ts, "team": self.team, "text": self.text}
        optional = {
            "bot_id": self.bot_id,
            "blocks": self.blocks or None,
            "thread_ts": self.thread_ts,
            "edited": {"user": self.user, "ts": self.edited_ts} if self.edited_ts else None,
            "metadata": self.metadata if with_metadata else None,
            "subtype": "thread_broadcast" if self.broadcast else None,
        }
        return shown | {key: value for key, value in optional.items() if value is not None}


class MessageStore:
    """Messages by channel in the order of their ts."""

    def __init__(self) -> None:
        self._by_channel: dict[str, dict[str, Message]] = {}

    def add(self, message: Message) -> Message:
        """Keep a new message."""
        self._by_channel.setdefault(message.channel, {})[message.ts] = message
        return message

    def get(self, channel: str, ts: str) -> Message | None:
        """Return the message, if it exists and was not deleted."""
        found = self._by_channel.get(channel, {}).get(ts)
        return None if found is None or found.deleted else found

    def seen(self, channel: str, viewer: str | None) -> list[Message]:
        """Return what that viewer sees in the channel, threads included, oldest first."""
        return [message for message in list(self._by_channel.get(channel, {}).values()) if message.seen_by(viewer)]

    def replies(self, channel: str, thread_ts: str, viewer: str | None) -> list[Message]:
        """Return a thread: its parent first."""
        return [message for message in self.seen(channel, viewer) if thread_ts in (message.ts, message.thread_ts)]


def words(value: object, key: str = "text") -> Iterator[str]:
    """Yield every text that a person would read in these blocks."""
    if isinstance(value, list):
        for item in value:
            yield from words(item, key)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from words(item, name)
    elif isinstance(value, str) and key in _VISIBLE:
        yield value


def interactive(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Yield each element that a person can use, with the block that holds it."""
    for block in blocks:
        own = [block[name] for name in ("accessory", "element") if isinstance(block.get(name), dict)]
        for element in [*own, *block.get("elements", [])]:
            if isinstance(element, dict) and "action_id" in element:
                yield block, element
