"""What the page shows to one person at one place, as plain facts for the templates."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from markupsafe import Markup

from sandbox.web.draw import DrawContext, draw, mrkdwn
from sandbox.web.draw.dates import clock_time, day_name

if TYPE_CHECKING:
    from sandbox.mail import Mail
    from sandbox.slack.messages import Message
    from sandbox.slack.views import View
    from sandbox.slack.workspace import SlackWorkspace
    from sandbox.slack.world import Channel, Person

#: Messages of one person within this time stand under one name.
_TOGETHER = timedelta(minutes=5)
_HUES = 6


@dataclass(frozen=True, slots=True)
class Face:
    """A person as the page shows them."""

    id: str
    name: str
    title: str
    initials: str
    hue: int
    is_app: bool
    team: str


@dataclass(frozen=True, slots=True)
class Line:
    """One message, drawn."""

    ts: str
    face: Face
    time: str
    full_time: str
    body: Markup
    edited: bool
    only_you: bool
    #: whether it stands under the name of the message before it
    follows: bool
    #: the day, when it is the first message of one
    day: str | None
    replies: int
    last_reply: str
    by_app: bool


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the left bar."""

    id: str
    name: str
    sign: str
    here: bool
    note: str


@dataclass(frozen=True, slots=True)
class Dialog:
    """The topmost modal, drawn."""

    id: str
    title: str
    submit: str | None
    close: str
    body: Markup
    depth: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything on the page."""

    me: Face
    faces: tuple[Face, ...]
    team: str
    zone: str
    place: Place
    places: tuple[Place, ...]
    lines: tuple[Line, ...]
    home: Markup | None
    thread_ts: str | None
    thread: tuple[Line, ...]
    modal: Dialog | None
    mails: tuple["Letter", ...]
    letter: "Letter | None"
    side: str
    notice: str | None
    suggestions: tuple[str, ...]
    #: what the app suggests to say here: the heading, and what is shown and said
    prompts_title: str
    prompts: tuple[tuple[str, str], ...]
    #: what the app says that it is doing
    status: str
    commands: tuple[str, ...]
    #: shortcuts, callback id and name: of the app anywhere, and in the menu of a message
    shortcuts: tuple[tuple[str, str], ...]
    on_message: tuple[tuple[str, str], ...]
    red: int


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail of the inbox."""

    number: int
    subject: str
    origin: str
    to: str
    time: str
    preview: str
    message_id: str
    text: str
    has_html: bool
    plain: bool


def show(slack: "SlackWorkspace", user: str, place: str, query: dict[str, str], notice: str | None) -> Shown | None:
    """Return what that person sees there, or None when there is no such place for them."""
    return _Showing(slack, user).at(place, query, notice)


class _Showing:
    def __init__(self, slack: "SlackWorkspace", user: str) -> None:
        self._slack = slack
        self._me: Person = slack.core.person(user)
        self._zone = ZoneInfo(self._me.tz)
        self._now: datetime = slack.core.clock.now().astimezone(self._zone)
        self._context = DrawContext(
            people={person.id: person.real_name for person in slack.world.people.values()},
            channels={channel.id: channel.name for channel in slack.world.channels.values()},
            zone=self._zone,
            now=self._now,
        )

    def at(self, place: str, query: dict[str, str], notice: str | None) -> Shown | None:
        places = self._places(place)
        here = next((each for each in places if each.here), None)
        if here is None:
            return None
        context = replace(self._context, action=f"/as/{self._me.id}/{place}/click")
        thread_ts = query.get("thread")
        messages = [] if place == "home" else self._slack.messages(place, self._me.id)
        thread = [m for m in messages if thread_ts and thread_ts in {m.ts, m.thread_ts}]
        top = [m for m in messages if not m.is_reply or m.broadcast]
        mails = [self._letter(mail, query) for mail in reversed(self._slack.mail.messages if self._slack.mail else [])]
        return Shown(
            me=self._face(self._me),
            faces=tuple(self._face(self._slack.core.person(each)) for each in self._slack.world.act_as),
            team=self._slack.world.teams[self._me.team].name,
            zone=self._me.tz.replace("_", " "),
            place=here,
            places=tuple(places),
            lines=self._lines(top, messages, context),
            home=self._home(context) if place == "home" else None,
            thread_ts=thread_ts if thread else None,
            thread=self._lines(thread, messages, context),
            modal=self._modal(context),
            mails=tuple(mails),
            letter=next((letter for letter in mails if str(letter.number) == query.get("mail")), None),
            side=query.get("side", ""),
            notice=notice,
            suggestions=self._suggestions(),
            prompts_title=self._slack.core.tabs.prompts(place).title,
            prompts=self._slack.core.tabs.prompts(place).prompts,
            status=self._slack.core.tabs.status(place),
            commands=tuple(
                f"{name} {word}".strip() for name, words in self._slack.app.commands.items() for word in words
            ),
            shortcuts=self._shortcuts("global"),
            on_message=self._shortcuts("message"),
            red=len(self._slack.red),
        )

    def _suggestions(self) -> tuple[str, ...]:
        """What to try is for people of the company; support has no data of its own to ask about."""
        world = self._slack.world
        return world.suggestions if self._me.team == world.people[world.act_as[0]].team else ()

    def _shortcuts(self, kind: str) -> tuple[tuple[str, str], ...]:
        known = self._slack.app.shortcuts if self._slack.app.serves(self._me.team) else {}
        return tuple((callback, name) for callback, (where, name) in known.items() if where == kind)

    def _places(self, place: str) -> list[Place]:
        world = self._slack.world
        rooms = [c for c in world.channels.values() if not c.is_im and world.sees(self._me.id, c)]
        found = [Place(c.id, c.name, _sign(c), c.id == place, c.purpose) for c in rooms]
        if self._me.team in self._slack.app.installations:
            direct, name = world.direct(self._me.id), self._slack.app.name
            found.append(Place(direct.id, name, "app", direct.id == place, f"Only you and {name}"))
            found.append(Place("home", f"{name} Home", "home", place == "home", "Your overview"))
        return found

    def _lines(self, messages: list["Message"], everything: list["Message"], context: DrawContext) -> tuple[Line, ...]:
        pairs = pairwise([None, *messages])
        return tuple(self._line(message, before, everything, context) for before, message in pairs if message)

    def _line(self, message: "Message", before: "Message | None", everything: list["Message"],
              context: DrawContext) -> Line:  # fmt: skip
        at = message.at.astimezone(self._zone)
        new_day = before is None or before.at.astimezone(self._zone).date() != at.date()
        together = (
            before is not None and not new_day and before.user == message.user and message.at - before.at < _TOGETHER
            and before.ephemeral_to == message.ephemeral_to and not message.bot_id
        )  # fmt: skip
        replies = [m for m in everything if m.thread_ts == message.ts and m.ts != message.ts]
        where = {"channel": message.channel, "ts": message.ts}
        return Line(
            ts=message.ts,
            face=self._face(self._slack.core.person(message.user)),
            time=clock_time(at),
            full_time=f"{at:%A}, {at:%B} {at.day} at {clock_time(at)} ({self._me.tz})",
            body=draw(message.blocks, replace(context, where=where))
            if message.blocks
            else mrkdwn(message.text, context),
            edited=message.edited_ts is not None,
            only_you=message.ephemeral_to is not None,
            follows=together,
            day=day_name(at, self._now) if new_day else None,
            replies=0 if message.is_reply else len(replies),
            last_reply=clock_time(replies[-1].at.astimezone(self._zone)) if replies else "",
            by_app=message.bot_id is not None,
        )

    def _home(self, context: DrawContext) -> Markup:
        view = self._slack.home(self._me.id)
        return draw(view.blocks, replace(context, where={"view": view.id})) if view else Markup("")

    def _modal(self, context: DrawContext) -> Dialog | None:
        view = self._slack.modal(self._me.id)
        if view is None:
            return None
        context = replace(context, where={"view": view.id}, errors=view.errors, filled=_filled(view))
        words = {part: (view.content.get(part) or {}).get("text") for part in ("submit", "close")}
        return Dialog(view.id, view.title, words["submit"], words["close"] or "Close", draw(view.offering, context),
                      view.previous_id is not None)  # fmt: skip

    def _letter(self, mail: "Mail", query: dict[str, str]) -> Letter:
        at = mail.accepted_at.astimezone(self._zone)
        day = "" if at.date() == self._now.date() else f"{at:%b} {at.day}, "
        return Letter(
            mail.number, mail.subject or "(no subject)", mail.origin, mail.to, day + clock_time(at),
            _preview(mail.text), mail.message_id, mail.text, bool(mail.html),
            query.get("part") == "text" or not mail.html,
        )  # fmt: skip

    def _face(self, person: "Person") -> Face:
        initials = "".join(word[0] for word in person.real_name.split()[:2]).upper()
        hue = list(self._slack.world.people).index(person.id) % _HUES
        team = "" if person.team == self._me.team else self._slack.world.teams[person.team].name
        return Face(person.id, person.real_name, person.title, initials, hue, person.bot_id is not None, team)


def _sign(channel: "Channel") -> str:
    if channel.is_private:
        return "private"
    return "shared" if channel.is_ext_shared else "channel"


def _preview(text: str) -> str:
    """Return the first words of a mail without the lines that are drawn with characters."""
    return " ".join(re.sub(r"[=\-_*]{4,}", " ", text).split())[:120]


def _filled(view: "View") -> dict[str, object]:
    """Return what stands in the inputs: what was typed before, else their initial values."""
    from sandbox.slack.choices import held, initial

    filled: dict[str, object] = {}
    for block in view.blocks:
        if block["type"] == "input":
            typed = view.state.get(block["block_id"], {}).get(block["element"]["action_id"])
            filled[block["block_id"]] = initial(block["element"]) if typed is None else held(typed)
    return filled
