"""What people do: type, press, submit. Each act goes to the app as Slack would bring it."""

import json

from sandbox.slack import payloads
from sandbox.slack.choices import EXTERNAL, Unanswered, action_of, values_of
from sandbox.slack.core import Core
from sandbox.slack.courier import Answer, Courier
from sandbox.slack.elements import SUGGESTED
from sandbox.slack.errors import Json, Refusal
from sandbox.slack.journal import Refused
from sandbox.slack.messages import Message
from sandbox.slack.methods_people import wire
from sandbox.slack.methods_views import prepared
from sandbox.slack.responses import Responses
from sandbox.slack.shapes import Report
from sandbox.slack.triggers import ResponseUrl
from sandbox.slack.views import View
from sandbox.slack.world import Channel, Person


class People:
    """The people of the workspaces, acting."""

    def __init__(self, core: Core, courier: Courier, responses: Responses) -> None:
        self._core = core
        self._courier = courier
        self._responses = responses

    async def command(self, user: str, channel: str, command: str, text: str) -> Answer:
        """Type a slash command in a channel that the person sees."""
        person, room = self._in(user, channel)
        rights = self._rights(person, room, None)
        answer = await self._courier.command(payloads.command(self._core, person, room, (command, text), rights))
        answer = _with(answer, rights)
        if answer.ok and answer.body.strip():
            self._show_ack(ResponseUrl(room.team, room.id, user, self._core.clock.now()), answer)
        return answer

    async def click(self, user: str, where: Message | View, action_id: str, value: str | None = None,
                    block_id: str | None = None) -> Answer:  # fmt: skip
        """Use a button, menu or other element of a message or view."""
        action = action_of(where.blocks, action_id, value, block_id) | {"action_ts": self._core.stamps.ts()}
        if isinstance(where, View):
            person = self._core.person(user)
            if where.kind == "modal":
                where.fill({action["block_id"]: value} if action["block_id"] in where.inputs else {})
            trigger = self._core.triggers.issue(where.team, user)
            return _with(
                await self._courier.interaction(payloads.view_click(self._core, person, where, action, trigger)),
                (trigger, ""),
            )
        person, room = self._in(user, where.channel)
        if not where.seen_by(user):
            raise ValueError(f"{user} does not see message {where.ts}")
        rights = self._rights(person, room, where.ts)
        return _with(
            await self._courier.interaction(payloads.message_click(self._core, person, where, action, rights)), rights
        )

    async def shortcut(self, user: str, callback: str, message: Message | None = None) -> Answer:
        """Choose a shortcut: a global one, or one of the menu of a message that the person sees."""
        kind = self._core.world.app.shortcuts[callback][0]
        person = self._core.person(user)
        if (kind == "message") != (message is not None):
            raise ValueError(f"{callback} is a {kind} shortcut")
        if message is None:
            trigger = self._core.triggers.issue(person.team, user)
            payload = payloads.shortcut(self._core, person, callback, trigger)
            return _with(await self._courier.interaction(payload), (trigger, ""))
        _, room = self._in(user, message.channel)
        if not message.seen_by(user) or message.ephemeral_to:
            raise ValueError(f"{user} has no shortcuts on message {message.ts}")
        rights = self._rights(person, room, message.ts)
        payload = payloads.message_shortcut(self._core, person, message, callback, rights)
        return _with(await self._courier.interaction(payload), rights)

    async def submit(self, user: str, view: View, values: dict[str, object]) -> Answer:
        """Fill a modal and submit it; what the app answers (errors, update, push, clear) happens to it."""
        try:
            view.state = values_of(view.offering, {**view.stands, **values})
        except Unanswered as missing:
            view.errors = missing.errors
            self._core.journal.changed()
            return Answer(ok=False, error=f"incomplete: {missing.errors}")
        person = self._core.person(user)
        trigger = self._core.triggers.issue(view.team, user)
        answer = await self._courier.interaction(payloads.view_submission(self._core, person, view, trigger))
        if answer.ok:
            self._respond_to_submission(user, view, answer)
        return _with(answer, (trigger, ""))

    def fill(self, user: str, view: View, values: dict[str, object]) -> None:
        """Fill inputs of an open modal by block_id, without sending it."""
        if view is not self._core.views.modal(user):
            raise ValueError(f"{user} has another view before them")
        view.fill(values)
        self._core.journal.changed()

    async def type_into(self, user: str, view: View, name: str, typed: str) -> list[Json]:
        """Type into a menu that asks the app, by block_id; return what it offers then.

        What the app answers is refused where Slack would show nothing for it: late, of another shape, too much.
        """
        block = next((one for one in view.blocks if one["block_id"] == name and one["type"] == "input"), None)
        if block is None or block["element"]["type"] not in EXTERNAL:
            raise LookupError(f"no menu {name} that asks; there are {[one['block_id'] for one in view.blocks]}")
        element = block["element"]
        if len(typed) < element.get("min_query_length", 3):
            return []
        asked = (block["block_id"], element["action_id"])
        payload = payloads.suggestion(self._core, self._core.person(user), view, asked, typed)
        answer = await self._courier.interaction(payload)
        offered = self._offered(answer) if answer.ok else []
        kept = view.offered.setdefault(element["action_id"], [])
        kept += [one for one in offered if one not in kept]
        return offered

    def _offered(self, answer: Answer) -> list[Json]:
        try:
            said = json.loads(answer.body)
        except ValueError:
            said = None
        report = Report()
        SUGGESTED(said, "", report)
        if isinstance(said, dict) and ("options" in said) == ("option_groups" in said):
            report.add("", "must provide exactly one of options, option_groups")
        if report.problems:
            self._refused("block_suggestion", Refusal("invalid_options", *report.problems))
            return []
        assert isinstance(said, dict)
        groups = said.get("option_groups", [])
        return [*said.get("options", []), *(one for group in groups for one in group["options"])]

    async def close(self, user: str, view: View, *, everything: bool = False) -> Answer:
        """Close a modal; the app hears of it when the view asks for that."""
        if everything:
            self._core.views.clear(user)
        else:
            self._core.views.close(user, view)
        self._core.journal.changed()
        if not view.content.get("notify_on_close"):
            return Answer(ok=True)
        person = self._core.person(user)
        return await self._courier.interaction(payloads.view_closed(self._core, person, view, cleared=everything))

    async def say(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> Answer:
        """Write a message; the app hears of it when it is mentioned or when it is a direct message to it."""
        person, room = self._in(user, channel)
        message = self._core.rooms.post(person, room, text, thread_ts=thread_ts)
        return await self._heard(message, room, person)

    async def open_home(self, user: str) -> Answer:
        """Open the Home tab of the app."""
        person = self._core.person(user)
        home = self._core.views.home(user)
        inner: Json = {"type": "app_home_opened", "user": user, "channel": self._core.world.direct(user).id,
                       "tab": "home", "event_ts": self._core.stamps.ts()}  # fmt: skip
        if home is not None:
            inner["view"] = self._core.view_wire(home)
        return await self.event(person.team, inner)

    async def open_messages(self, user: str) -> Answer:
        """Open the Messages tab of the app: its direct message."""
        person = self._core.person(user)
        inner: Json = {"type": "app_home_opened", "user": user, "channel": self._core.world.direct(user).id,
                       "tab": "messages", "event_ts": self._core.stamps.ts()}  # fmt: skip
        return await self.event(person.team, inner)

    async def membership(self, user: str, channel: str, *, joins: bool) -> Answer:
        """Join or leave a channel."""
        room = self._core.world.channels[channel]
        room.people = room.people | {user} if joins else room.people - {user}
        self._core.journal.changed()
        inner = {"type": "member_joined_channel" if joins else "member_left_channel", "user": user, "channel": channel,
                 "channel_type": "G" if room.is_private else "C", "team": self._core.person(user).team,
                 "event_ts": self._core.stamps.ts()}  # fmt: skip
        return await self.event(room.team, inner)

    async def change(self, user: str, **fields: object) -> Answer:
        """Change a person's account or profile."""
        person = self._core.person(user)
        for name, value in fields.items():
            if name not in {"name", "real_name", "email", "tz", "title", "is_admin", "is_restricted", "deleted"}:
                raise ValueError(f"a person has no {name} to change")
            setattr(person, name, value)
        self._core.journal.changed()
        app = self._core.world.app.installations[person.team]
        shown = wire(self._core, app, person)
        return await self.event(person.team, {"type": "user_change", "user": shown, "event_ts": self._core.stamps.ts()})

    async def event(self, team: str, inner: Json) -> Answer:
        """Deliver an event when the app subscribes to it."""
        name = "message.im" if inner["type"] == "message" and inner.get("channel_type") == "im" else inner["type"]
        if name not in self._core.world.app.events:
            return Answer(ok=True)
        return await self._courier.event(team, inner)

    async def echo(self, message: Message) -> None:
        """Bring the app its own direct messages back, as Slack does."""
        room = self._core.world.channels[message.channel]
        if room.is_im and message.ephemeral_to is None:
            await self.event(room.team, payloads.said(message, "message", room, self._core.person(message.user)))

    async def _heard(self, message: Message, room: Channel, person: Person) -> Answer:
        bot = self._core.installation_for(room).bot_user
        if room.is_im:
            return await self.event(room.team, payloads.said(message, "message", room, person))
        if f"<@{bot}>" in message.text and bot in room.people:
            return await self.event(room.team, payloads.said(message, "app_mention", room, person))
        return Answer(ok=True)

    def _in(self, user: str, channel: str) -> tuple[Person, Channel]:
        person = self._core.person(user)
        if channel not in self._core.world.channels:
            raise KeyError(f"no such channel: {channel} (known: {', '.join(self._core.world.channels)})")
        room = self._core.world.channels[channel]
        if not self._core.world.sees(user, room):
            raise ValueError(f"{person.real_name} cannot open {room.name}")
        return person, room

    def _rights(self, person: Person, room: Channel, source_ts: str | None) -> tuple[str, str]:
        trigger = self._core.triggers.issue(room.team, person.id)
        name = self._core.triggers.issue_response(room.team, room.id, person.id, source_ts)
        return trigger, f"{self._core.url}/response/{name}"

    def _show_ack(self, right: ResponseUrl, answer: Answer) -> None:
        """Show what the app answered to a command: JSON, or plain text for the person alone."""
        try:
            said = json.loads(answer.body)
        except ValueError:
            said = {"text": answer.body.decode(errors="replace")}
        try:
            self._responses.answer(right, said if isinstance(said, dict) else {"text": str(said)}, "ack")
        except Refusal as refusal:
            self._refused("command ack", refusal)

    def _respond_to_submission(self, user: str, view: View, answer: Answer) -> None:
        try:
            said = json.loads(answer.body) if answer.body.strip() else {}
            self._apply(user, view, said if isinstance(said, dict) else {})
        except ValueError:
            self._refused("view_submission ack", Refusal("invalid_json"))
        except Refusal as refusal:
            self._refused("view_submission ack", refusal)

    def _apply(self, user: str, view: View, said: Json) -> None:
        action = said.get("response_action")
        if action is None:
            self._core.views.close(user, view)
            self._core.journal.changed()
        elif action == "clear":
            self._core.views.clear(user)
            self._core.journal.changed()
        elif action == "errors":
            known = {block["block_id"] for block in view.blocks if block["type"] == "input"}
            if not set(said.get("errors") or {}) <= known:
                raise Refusal("invalid_errors", "errors are keyed by the block_id of input blocks")
            view.errors = dict(said["errors"])
            self._core.journal.changed()
        elif action == "update":
            content = prepared(self._core, said.get("view"), "modal")
            self._core.show_view("update_view", self._core.views.rewrite(view, content))
        elif action == "push":
            content = prepared(self._core, said.get("view"), "modal")
            self._core.show_view("push", self._core.views.push(view.team, user, content))
        else:
            raise Refusal("invalid_response_action", str(action))

    def _refused(self, what: str, refusal: Refusal) -> None:
        self._core.journal.refused.append(Refused(what, refusal.error, refusal.messages))
        self._core.journal.changed()


def _with(answer: Answer, rights: tuple[str, str]) -> Answer:
    """Return the answer with the trigger_id and response_url that the app was given."""
    return Answer(answer.ok, answer.error, answer.status, answer.body, answer.seconds, rights[0], rights[1] or None,
                  answer.headers)  # fmt: skip
