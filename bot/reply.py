"""What a handler answers: words, where they go, and what may follow once Slack has its ack."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from storage.facts.messages import Form, Message, Option
from storage.facts.talk import Prompt


class Where(StrEnum):
    """Where the words of a reply appear; always for the one person who asked."""

    #: an answer of its own, seen by the asker alone
    ANSWER = "answer"
    #: in the place of the card that was clicked
    REPLACE = "replace"
    #: the App Home tab
    HOME = "home"


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to an interaction; without a message nothing is shown."""

    message: Message | None = None
    where: Where = Where.ANSWER
    #: asked after the ack, for words that need another look at the database
    then: Callable[[], Awaitable["Reply"]] | None = None
    #: IANA name of the reader's zone
    zone: str = "UTC"
    #: a modal that opens in the place of words; only within three seconds of a click or a command
    form: Form | None = None
    #: how the form is found again while it is open, unique in the workspace; with `fills` it is shown in that one
    form_key: str = ""
    fills: bool = False
    #: the form is laid over the one that was sent, which stays as it was filled in
    over: bool = False
    #: closing the answer to a form closes what lies below it, too
    last: bool = False
    #: what is wrong with a submitted form, by the name of the input; `message` says it where no form is open any more
    errors: Mapping[str, str] = field(default_factory=dict)
    #: what a menu offers that asked for it
    options: tuple[Option, ...] = ()
    #: questions to suggest in the Messages tab that was opened
    prompts: tuple[Prompt, ...] = ()
    #: what an ack says, by workspace; one reply may be for many people who asked the same at once
    rendered: dict[str, str] = field(default_factory=dict, compare=False)


NOTHING = Reply()
