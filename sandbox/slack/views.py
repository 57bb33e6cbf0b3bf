"""Modals and Home tabs: who has which open, in which version."""

from dataclasses import dataclass, field

from sandbox.slack.choices import EXTERNAL, held, initial, used
from sandbox.slack.errors import Json, Refusal
from sandbox.slack.limits import MODAL_STACK
from sandbox.slack.stamps import Stamps


@dataclass(slots=True)
class View:
    """One modal or Home tab as its person sees it."""

    id: str
    team: str
    user: str
    content: Json
    hash: str
    root_id: str
    previous_id: str | None = None
    #: answers of the app to a submission, by block_id
    errors: dict[str, str] = field(default_factory=dict)
    #: what was typed when it was last submitted, by block_id and action_id
    state: dict[str, Json] = field(default_factory=dict)
    #: what the app has offered in menus that ask for it, by action_id
    offered: dict[str, list[Json]] = field(default_factory=dict)

    @property
    def offering(self) -> list[Json]:
        """The blocks, each menu with all that the app has offered in it so far: only that can be chosen."""
        return [
            {**block, "element": {**block["element"], "options": self.offered.get(block["element"]["action_id"], [])}}
            if block["type"] == "input" and block["element"]["type"] in EXTERNAL
            else block
            for block in self.blocks
        ]

    @property
    def inputs(self) -> dict[str, Json]:
        """The element of each input, by block_id."""
        return {block["block_id"]: block["element"] for block in self.offering if block["type"] == "input"}

    @property
    def stands(self) -> dict[str, object]:
        """What stands in each input that was touched, by block_id."""
        return {
            name: held(self.state[name][element["action_id"]])
            for name, element in self.inputs.items()
            if element["action_id"] in self.state.get(name, {})
        }

    def fill(self, values: dict[str, object]) -> None:
        """Let values stand in inputs, the first ones in all others: what Slack brings with a press in a form."""
        unknown = set(values) - set(self.inputs)
        if unknown:
            raise LookupError(f"no inputs {sorted(unknown)}; there are {sorted(self.inputs)}")
        filled = {**self.stands, **values}
        self.state = {
            name: {element["action_id"]: used(element, filled.get(name, initial(element)))}
            for name, element in self.inputs.items()
        }

    @property
    def blocks(self) -> list[Json]:
        """The blocks, each with its block_id."""
        blocks: list[Json] = self.content["blocks"]
        return blocks

    @property
    def kind(self) -> str:
        """`modal` or `home`."""
        return str(self.content["type"])

    @property
    def title(self) -> str:
        """The words at its top."""
        return str((self.content.get("title") or {}).get("text", ""))

    @property
    def callback_id(self) -> str:
        """The name that the app gave it."""
        return str(self.content.get("callback_id", ""))

    @property
    def private_metadata(self) -> str:
        """What the app keeps in it."""
        return str(self.content.get("private_metadata", ""))

    def wire(self, app_id: str, bot_id: str) -> Json:
        """Return it as answers and payloads show it."""
        return {
            "id": self.id,
            "team_id": self.team,
            "private_metadata": "",
            "callback_id": "",
            "clear_on_close": False,
            "notify_on_close": False,
            "close": None,
            "submit": None,
            "external_id": "",
            "title": {"type": "plain_text", "text": "View Title", "emoji": True},
            **self.content,
            "state": {"values": self.state},
            "hash": self.hash,
            "previous_view_id": self.previous_id,
            "root_view_id": self.root_id,
            "app_id": app_id,
            "app_installed_team_id": self.team,
            "bot_id": bot_id,
        }


class ViewStore:
    """The open modals of each person, topmost last, and their Home tabs."""

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps
        self._stacks: dict[str, list[View]] = {}
        self._homes: dict[str, View] = {}

    def modal(self, user: str) -> View | None:
        """Return the topmost modal of that person."""
        stack = self._stacks.get(user)
        return stack[-1] if stack else None

    def home(self, user: str) -> View | None:
        """Return the Home tab that was published for that person."""
        return self._homes.get(user)

    def open(self, team: str, user: str, content: Json) -> View:
        """Open a modal in place of whatever was open."""
        self._external_id_free(team, content, replacing={view.id for view in self._stacks.get(user, [])})
        view = self._new(team, user, content)
        self._stacks[user] = [view]
        return view

    def push(self, team: str, user: str, content: Json) -> View:
        """Put a modal on top of the open one."""
        stack = self._stacks.get(user)
        if not stack:
            raise Refusal("not_found")
        if len(stack) >= MODAL_STACK:
            raise Refusal("push_limit_reached")
        self._external_id_free(team, content, replacing=set())
        view = self._new(team, user, content)
        view.root_id, view.previous_id = stack[0].id, stack[-1].id
        stack.append(view)
        return view

    def update(self, team: str, content: Json, *, view_id: str | None, external_id: str | None,
               expected: str | None) -> View:  # fmt: skip
        """Replace what an open view shows; `expected` is the hash that the caller believes it has."""
        view = self._find(team, view_id, external_id)
        if expected and expected != view.hash:
            raise Refusal("hash_conflict")
        self._external_id_free(team, content, replacing={view.id})
        return self.rewrite(view, content)

    def rewrite(self, view: View, content: Json) -> View:
        """Show other content in that view."""
        view.content, view.hash, view.errors = content, self._new_hash(), {}
        # What stands in an input of the same name stays in it.
        view.state = {name: kept for name, kept in view.state.items() if name in view.inputs}
        return view

    def publish(self, team: str, user: str, content: Json, expected: str | None) -> View:
        """Show content in that person's Home tab."""
        current = self._homes.get(user)
        if expected and (current is None or expected != current.hash):
            raise Refusal("hash_conflict")
        self._homes[user] = self.rewrite(current, content) if current else self._new(team, user, content)
        return self._homes[user]

    def close(self, user: str, view: View) -> None:
        """Close that view and what lies on top of it."""
        stack = self._stacks.get(user, [])
        if view in stack:
            del stack[stack.index(view) :]

    def clear(self, user: str) -> None:
        """Close all modals of that person."""
        self._stacks.pop(user, None)

    def _all(self) -> list[View]:
        return [view for stack in self._stacks.values() for view in stack] + list(self._homes.values())

    def _find(self, team: str, view_id: str | None, external_id: str | None) -> View:
        for view in self._all():
            named = view.id == view_id or (external_id and view.content.get("external_id") == external_id)
            if view.team == team and named:
                return view
        raise Refusal("not_found")

    def _external_id_free(self, team: str, content: Json, *, replacing: set[str]) -> None:
        external_id = content.get("external_id")
        for view in self._all():
            same = external_id and view.team == team and view.content.get("external_id") == external_id
            if same and view.id not in replacing:
                raise Refusal("duplicate_external_id")

    def _new(self, team: str, user: str, content: Json) -> View:
        view_id = self._stamps.name("V")
        return View(view_id, team, user, content, self._new_hash(), view_id)

    def _new_hash(self) -> str:
        return f"{self._stamps.ts()}.{self._stamps.name('h')}"
