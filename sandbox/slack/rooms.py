"""What can happen to messages: each change is checked, kept, and written into the journal."""

from collections.abc import Callable

from sandbox.slack import check
from sandbox.slack.errors import Json, Refusal
from sandbox.slack.journal import Journal
from sandbox.slack.messages import Message, MessageStore, words
from sandbox.slack.stamps import Stamps
from sandbox.slack.world import Channel, Person
from sandbox.web.draw import tokens
from storage.facts.clock import Clock

#: Draws blocks and returns a description of each one that cannot be drawn.
Drawing = Callable[[list[Json], str], list[str]]


class Rooms:
    """All channels of all teams."""

    def __init__(self, clock: Clock, stamps: Stamps, journal: Journal, undrawable: Drawing) -> None:
        self.clock = clock
        self.stamps = stamps
        self.journal = journal
        self.store = MessageStore()
        self._undrawable = undrawable
        #: called with each new message of the app itself: Slack brings those of direct messages back to it
        self.own: Callable[[Message], None] = lambda _: None
        #: called with the channel and the thread of each message of the app that stands in one
        self.answered: Callable[[str, str], None] = lambda _channel, _thread: None

    def post(self, author: Person, channel: Channel, text: str, blocks: list[Json] | None = None, *,
             kind: str = "post", via: str = "person", metadata: Json | None = None, thread_ts: str | None = None,
             ephemeral_to: str | None = None, broadcast: bool = False) -> Message:  # fmt: skip
        """Add a message; one of the app is checked as Slack would, one of a person is taken as it is."""
        if author.bot_id:
            check.message(text, blocks)
        if thread_ts is not None and self.store.get(channel.id, thread_ts) is None:
            raise Refusal("thread_not_found")
        message = Message(
            self.stamps.ts(), channel.id, channel.team, author.id, text, self.clock.now(),
            check.with_block_ids(blocks or [], self.stamps), metadata, thread_ts, author.bot_id,
            ephemeral_to=ephemeral_to, broadcast=broadcast, via=via,
        )  # fmt: skip
        self.store.add(message)
        self._witness(kind, message)
        if message.bot_id and ephemeral_to is None:
            self.own(message)
        if message.bot_id and thread_ts is not None:
            self.answered(channel.id, thread_ts)
        return message

    def edit(self, message: Message, text: str | None, blocks: list[Json] | None, metadata: Json | None = None,
             *, via: str) -> Message:  # fmt: skip
        """Change a message; what is not given stays as it was, as Slack does it."""
        new_text = message.text if text is None else text
        new_blocks = message.blocks if blocks is None else blocks
        check.message(new_text, new_blocks or None)
        message.keep_version()
        message.text, message.via = new_text, via
        message.blocks = check.with_block_ids(new_blocks, self.stamps)
        message.edited_ts = self.stamps.ts()
        if metadata is not None:
            message.metadata = metadata or None
        self._witness("update", message)
        return message

    def delete(self, message: Message, *, via: str) -> None:
        """Take a message away; the journal keeps it."""
        message.deleted, message.via = True, via
        self._witness("delete", message)

    def _witness(self, kind: str, message: Message) -> None:
        if message.bot_id:
            where = f"{message.channel} {message.ts}"
            self.journal.red += [f"{where}: {what}" for what in self._undrawable(message.blocks, "message")]
        said = "\n".join([message.text, *words(message.blocks)])
        self.journal.message(kind, message, self.clock.now(), tuple(dict.fromkeys(tokens.pings(said))))
