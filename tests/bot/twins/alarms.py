"""Twins of incidents, and of who is called."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from jobs.authorize import authorize, authorize_support
from jobs.errors import NotFoundError, TooLateError
from jobs.escalating.due import rehearsed
from jobs.escalating.wishes import PolicyRefusedError, read_wish, wished
from jobs.incidents.handling import LONGEST as LONGEST_SNOOZE
from jobs.incidents.handling import Snooze, SnoozePreview
from jobs.incidents.muting import USUAL, Muting
from jobs.incidents.until import read_until
from jobs.refresh.ask import TriggerKey
from storage.facts.incidents import Incident, IncidentKind
from storage.facts.mutes import LONGEST, Mute
from storage.facts.people import Action, Actor
from storage.facts.policies import DEFAULT_POLICY, PlannedCall, Policy, PolicyView, StepKind
from storage.facts.status import RefreshStatus
from tests.bot.twins.refreshing import TwinRefresh
from tests.bot.twins.showing import TwinStatus
from tests.bot.twins.world import AT, SHOP


@dataclass
class TwinEscalation:
    """One escalated refresh, `rfr_1`."""

    refresh: TwinRefresh
    done: list[tuple[str, str]] = field(default_factory=list)

    async def _act(self, what: str, action: Action, actor: Actor, refresh_id: str) -> RefreshStatus:
        authorize_support(actor, action, named_in_post=refresh_id == "rfr_1")
        if ("cancel", refresh_id) in self.done:
            raise TooLateError("This refresh ended already.")
        self.done.append((what, refresh_id))
        return self.refresh.view(None)

    async def acknowledge(self, actor: Actor, refresh_id: str, trigger: TriggerKey) -> RefreshStatus:
        return await self._act("acknowledge", Action.ACKNOWLEDGE_ESCALATION, actor, refresh_id)

    async def retry(self, actor: Actor, refresh_id: str, trigger: TriggerKey) -> RefreshStatus:
        return await self._act("retry", Action.RETRY_ESCALATED, actor, refresh_id)

    async def cancel(self, actor: Actor, refresh_id: str, trigger: TriggerKey) -> RefreshStatus:
        return await self._act("cancel", Action.CANCEL_ESCALATED, actor, refresh_id)


@dataclass
class TwinIncidents:
    """One incident of Temerity's shop, `inc_1`."""

    done: list[str] = field(default_factory=list)

    def _found(self, actor: Actor, incident_id: str) -> Incident:
        who = authorize(actor, Action.HANDLE_INCIDENT)
        if incident_id not in {"inc_1", SHOP.id} or who.organization_id != SHOP.organization_id:
            raise NotFoundError
        return Incident("inc_1", who.organization_id, SHOP.id, IncidentKind.LATE, "it is late", AT, None, 0, None, None)

    async def preview(self, actor: Actor, incident_id: str, words: str = "") -> SnoozePreview | None:
        until = read_until(words, AT, "America/New_York", longest=LONGEST_SNOOZE) if words else AT + timedelta(hours=1)
        if until is None:
            return None
        choice = None if words else Snooze.HOUR
        return SnoozePreview(self._found(actor, incident_id), (SHOP,), ((choice, until),), None)

    async def acknowledge(self, actor: Actor, incident_id: str, trigger: TriggerKey) -> Incident:
        found = self._found(actor, incident_id)
        self.done.append("acknowledge")
        return replace(found, acknowledged_by="Daniel Kim", acknowledged_at=AT)

    async def snooze(self, actor: Actor, incident_id: str, choice: Snooze | datetime, trigger: TriggerKey) -> Incident:
        found = self._found(actor, incident_id)
        self.done.append(choice.value if isinstance(choice, Snooze) else choice.isoformat())
        return replace(found, snoozed_by="Daniel Kim", snoozed_until=AT)


@dataclass
class TwinPolicies:
    """Temerity's policy; its people and the channel #ops can be called."""

    policy: Policy = DEFAULT_POLICY
    saved: list[tuple[str, str]] = field(default_factory=list)

    async def shown(self, actor: Actor) -> PolicyView:
        authorize(actor, Action.CHANGE_ESCALATION)
        return self._view(self.policy)

    def _view(self, policy: Policy) -> PolicyView:
        calls = [PlannedCall(due.at, tuple(policy.steps[n] for n in due.numbers if due.kind == "step"))
                 for due in rehearsed(policy, AT, again=1)]  # fmt: skip
        return PolicyView("Temerity Goods", policy, tuple(calls), frozenset(), 1, 7)

    def _find(self, kind: StepKind, who: str) -> tuple[str, str]:
        known = {"<#c0ops|ops>": ("T0TEMERITY/C0OPS", "#ops"), "<@u0maya>": ("T0TEMERITY/U0MAYA", "Maya Ortiz"),
                 "<#c0finance|c0finance>": ("T0TEMERITY/C0FINANCE", "#finance")}  # fmt: skip
        if who not in known:
            raise PolicyRefusedError(kind.value)
        return known[who]

    async def preview(self, actor: Actor, words: str) -> PolicyView | None:
        authorize(actor, Action.CHANGE_ESCALATION)
        wish = read_wish(words)
        return None if wish is None else self._view(wished(self.policy, wish, self._find))

    async def change(self, actor: Actor, words: str, seen: int, trigger: TriggerKey) -> PolicyView:
        if trigger.trigger_id not in [one for one, _ in self.saved]:
            found = await self.preview(actor, words)
            assert found is not None
            assert seen == found.seen
            self.saved.append((trigger.trigger_id, words))
            self.policy = found.policy
        return self._view(self.policy)


@dataclass
class TwinMutes:
    """What is muted of the shop."""

    status: TwinStatus
    saved: list[tuple[str, ...]] = field(default_factory=list)

    def _found(self, actor: Actor, source_id: str, kinds: Sequence[IncidentKind], until: datetime | None) -> Muting:
        who = authorize(actor, Action.MUTE_ALARMS)
        if source_id != SHOP.id or who.organization_id != SHOP.organization_id:
            raise NotFoundError
        return Muting(SHOP, tuple(kinds), until, (), 4, 7)

    async def preview(self, actor: Actor, source_id: str, kinds: Sequence[IncidentKind], words: str) -> Muting | None:
        until = read_until(words or USUAL, AT, "America/New_York", longest=LONGEST)
        return None if until is None else self._found(actor, source_id, kinds, until)

    async def mute(
        self, actor: Actor, source_id: str, kinds: Sequence[IncidentKind], until: datetime, seen: int,
        trigger: TriggerKey,
    ) -> Muting:  # fmt: skip
        assert seen == 7
        found = self._found(actor, source_id, kinds, until)
        if trigger.trigger_id not in [one[0] for one in self.saved]:
            self.saved.append((trigger.trigger_id, *kinds, until.isoformat()))
            muted = replace(SHOP, mutes=tuple(Mute(kind, "mem_U0DANIEL", "Daniel Kim", AT, until) for kind in kinds))
            self.status.everything = [muted if one.id == SHOP.id else one for one in self.status.everything]
        return found

    async def lift(self, actor: Actor, source_id: str, kinds: Sequence[IncidentKind], trigger: TriggerKey) -> Muting:
        self.saved.append((trigger.trigger_id, "lifted"))
        self.status.everything = [SHOP if one.id == SHOP.id else one for one in self.status.everything]
        return self._found(actor, source_id, kinds, None)
