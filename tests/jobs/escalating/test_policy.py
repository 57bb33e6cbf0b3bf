"""`/data escalation`: admins call their own people when they like, and never take anything away from support."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from jobs.errors import NotAllowedError, NotFoundError, TooLateError
from jobs.escalating import wishes
from jobs.escalating.leaving import on_call_words, taken_out
from jobs.escalating.service import PolicyService
from jobs.escalating.wishes import PolicyRefusedError, check, read_wish, wished
from jobs.leavers import Leavers
from jobs.members import MemberService
from jobs.notify.kinds import ON_CALL_LEFT
from jobs.people import Profile
from jobs.refresh.ask import TriggerKey
from storage.facts.ids import new_id
from storage.facts.people import Actor, SlackIdentity
from storage.facts.policies import DEFAULT_POLICY, OURS, By, Policy, PolicyStep, PolicyView, StepKind, read_policy
from storage.records import audit, deliveries, organizations
from storage.sessions import Database, Session
from storage.tables import DeliveryRow
from templates.mail import render
from tests.jobs.escalating.test_calls import AND_A_BIT, FIRST, HOUR, LEADS, Stage

MINUTE = timedelta(minutes=1)
OPS = "channel <#C0FINANCE|finance> after 30 minutes"


class Office(Stage):
    """A stage whose admin looks after the policy."""

    def __init__(self, database: Database, kind: type[PolicyService] = PolicyService) -> None:
        super().__init__(database)
        self.policies = kind(self.desk, self.clock)

    def actor(self, user: str = "U0DANIEL") -> Actor:
        identity = SlackIdentity("T0TEMERITY", user)
        return Actor(identity, self.database.in_read(lambda s: organizations.member_by_identity(s, identity)))

    async def changed(self, words: str, user: str = "U0DANIEL") -> PolicyView:
        shown = await self.policies.preview(self.actor(user), words)
        assert shown is not None
        return await self.policies.change(self.actor(user), words, shown.seen, key())

    def stored(self) -> Policy:
        with self.database.read() as session:
            return read_policy(organizations.escalation_policy(session, self.organization_id))

    def says(self) -> list[str]:
        return [f"{step.after // MINUTE} {step.kind.value} {step.name} {step.by.value}" for step in self.stored().steps]


def key() -> TriggerKey:
    return TriggerKey("T0TEMERITY", new_id("trg"))


async def test_a_policy_is_previewed_saved_once_audited_and_moves_nothing_that_runs(database: Database) -> None:
    stage = Office(database)
    refresh = await stage.asked()
    shown = await stage.policies.preview(stage.actor(), OPS)
    assert shown is not None
    assert stage.says() == ["180 support  slack", "180 email  slack"]
    now = stage.clock.now()
    assert [round((call.at - now) / MINUTE) for call in shown.calls] == [30, 180, 240, 360]
    assert [len(call.steps) for call in shown.calls] == [1, 2, 0, 0]
    assert shown.running == 1
    once = key()
    for _ in range(2):
        await stage.policies.change(stage.actor(), OPS, shown.seen, once)
    with pytest.raises(TooLateError, match="changed meanwhile"):
        await stage.policies.change(stage.actor(), OPS, shown.seen, key())
    await stage.changed("after 2 hours")
    await stage.changed("step 3 person <@U0MAYA> after 4 h by both")
    assert stage.says() == [
        *("30 channel #finance slack", "120 support  slack", "120 email  slack", "240 person Maya Ortiz both"),
    ]
    await stage.changed("step 2 person maya ortiz after 90 min by mail")
    await stage.changed("remove step 3")
    assert stage.says() == ["90 person Maya Ortiz mail", "120 support  slack", "120 email  slack"]
    entries = stage.database.in_read(lambda s: audit.newest(s, stage.organization_id, 20))
    assert sum(entry.action == "change_escalation" for entry in entries) == 5
    await stage.later(2 * HOUR + AND_A_BIT)
    assert stage.told(refresh) == []
    await stage.later(HOUR)
    assert stage.told(refresh) == FIRST
    await stage.changed("default")
    assert stage.stored() == DEFAULT_POLICY


def _nobody(_kind: StepKind, _who: str) -> tuple[str, str]:
    return "T0TEMERITY/C0OPS", "#ops"


@pytest.mark.parametrize(
    "words, reason",
    [
        ("after 4 hours", "late"),
        ("after 181 m", "late"),
        ("after 10 minutes", "early"),
        ("default", "same"),
        ("after 3 hours", "same"),
        ("remove step 1", "support"),
        ("step 1 channel x after 2 hours", "support"),
        ("step 0 channel x after 2 hours", "support"),
        ("remove step 2", "number"),
        ("channel x after 10 min", "own"),
        ("channel x after 25h", "own"),
        ("channel x after 1h by mail", "way"),
    ],
)
def test_what_no_company_decides_is_refused(words: str, reason: str) -> None:
    with pytest.raises(PolicyRefusedError) as caught:
        wished(DEFAULT_POLICY, read_wish(words) or pytest.fail(words), _nobody)
    assert caught.value.reason == reason


def test_words_mean_what_they_say_or_nothing() -> None:
    for words in ("after", "after hours", "after 2", "never", "support never", "channel after 2h", "step 2", "off"):
        assert read_wish(words) is None, words
    for words, minutes in {"after 2 hours": 120, "After 1h 30m": 90, "after 1h30m": 90, "after 45 min": 45}.items():
        wish = read_wish(words)
        assert wish is not None
        assert wish.after == minutes * MINUTE, words
    wish = read_wish("person @maria after 1 hour by e-mail")
    assert wish is not None
    assert wish.by is By.MAIL


def weakened(check_: Callable[[Policy, Policy], None]) -> list[str]:
    """Return every way in which a policy takes something away from support and passes all the same."""
    post, mail = DEFAULT_POLICY.steps
    late = PolicyStep(3 * HOUR + MINUTE, StepKind.SUPPORT)
    tried = {
        "no support": Policy((LEADS,)),
        "no mail": Policy((post,)),
        "no post": Policy((mail, LEADS)),
        "late post": Policy((mail, late)),
        "late mail": Policy((post, PolicyStep(4 * HOUR, StepKind.EMAIL), LEADS)),
    }
    found = []
    for name, policy in tried.items():
        try:
            check_(DEFAULT_POLICY, policy)
        except PolicyRefusedError:
            continue
        found.append(name)
    return found


def test_nothing_is_taken_away_from_support() -> None:
    assert weakened(check) == []
    # The operator agreed on more with this company: its admins need not undo that to add a step of their own.
    agreed = Policy(tuple(PolicyStep(9 * HOUR, step.kind) for step in DEFAULT_POLICY.steps))
    check(agreed, Policy((LEADS, *agreed.steps)))
    with pytest.raises(PolicyRefusedError):
        check(agreed, Policy(tuple(PolicyStep(10 * HOUR, step.kind) for step in DEFAULT_POLICY.steps)))

    def first_step_only(_before: Policy, after: Policy) -> None:
        """The bug: what counts is that somebody of the operator is called by three hours."""
        if after.first > wishes.LATEST or not any(step.kind in OURS for step in after.steps):
            raise PolicyRefusedError("late")

    assert weakened(first_step_only) == ["no mail", "no post", "late post", "late mail"]


class _AnyPlace(PolicyService):
    """The bug: a place is taken as Slack wrote it, whosever it is."""

    async def preview(self, actor: Actor, words: str) -> PolicyView | None:
        def anything(_kind: StepKind, who: str) -> tuple[str, str]:
            return f"T0TEMERITY/{who[2:].partition('|')[0].strip('>').upper()}", who

        after = wished(DEFAULT_POLICY, read_wish(words) or pytest.fail(words), anything)
        return await self._desk.read(lambda s: self._view(s, actor.member, after))  # type: ignore[arg-type]  # a broken twin


@pytest.mark.parametrize("kind", [PolicyService, _AnyPlace])
async def test_only_places_and_people_of_the_company_are_called(
    sqlite_database: Database, kind: type[PolicyService]
) -> None:
    stage = Office(sqlite_database, kind)
    taken = []
    for words in (
        "channel <#C0SECRET|secret> after 2h",
        "channel <#C0DATASUP|support> after 2h",
        "person <@U0GUEST> after 2h",
        "person <@U0OUTSIDE> after 2h",
        "person <@U0SAM> after 2h",
    ):
        try:
            await stage.policies.preview(stage.actor(), words)
        except PolicyRefusedError:
            continue
        taken.append(words)
    assert (taken == []) is (kind is PolicyService)
    if kind is PolicyService:
        with pytest.raises(PolicyRefusedError, match="person"):
            await stage.policies.preview(stage.actor(), "person <@U0GUEST> after 2h")


class _Remembering(PolicyService):
    """The bug: whoever was admin when the card was shown is admin when it is pressed."""

    async def change(self, actor: Actor, words: str, seen: int, trigger: TriggerKey) -> PolicyView:
        def work(session: Session) -> PolicyView:
            assert actor.member is not None
            self._set(session, actor.member, words, seen, trigger)
            return self._view(session, actor.member, DEFAULT_POLICY)

        return await self._desk.write(work)


async def test_the_twin_that_remembers_roles_is_caught(sqlite_database: Database) -> None:
    stage = Office(sqlite_database, _Remembering)
    shown = await stage.policies.preview(stage.actor(), OPS)
    assert shown is not None
    stale = Actor(stage.actor("U0MAYA").identity, stage.actor().member)
    await stage.policies.change(stale, OPS, shown.seen, key())
    assert stage.stored() != DEFAULT_POLICY


async def test_only_admins_and_the_role_counts_when_it_is_saved(sqlite_database: Database) -> None:
    stage = Office(sqlite_database)
    admin = stage.actor()
    shown = await stage.policies.preview(admin, OPS)
    assert shown is not None
    for user in ("U0MAYA", "U0GUEST"):
        for asked in (
            stage.policies.shown(stage.actor(user)),
            stage.policies.preview(stage.actor(user), OPS),
            # Whoever was admin when the card was shown is none any more.
            stage.policies.change(Actor(stage.actor(user).identity, admin.member), OPS, shown.seen, key()),
        ):
            with pytest.raises(NotAllowedError):
                await asked
    with pytest.raises(NotFoundError):
        await stage.policies.change(admin, "rubbish", shown.seen, key())
    # What a button carries is read again: a forged one decides no more than what can be typed.
    with pytest.raises(PolicyRefusedError, match="late"):
        await stage.policies.change(admin, "after 4 hours", shown.seen, key())
    assert stage.stored() == DEFAULT_POLICY


def left(stage: Stage) -> list[str]:
    """Return what the admins were told of people on call who left."""
    which = select(DeliveryRow).where(col(DeliveryRow.kind) == ON_CALL_LEFT)
    with stage.database.read() as session:
        found = [deliveries.as_delivery(row) for row in session.exec(which)]
        return [render(on_call_words()[ON_CALL_LEFT](session, one, stage.clock.now())).text for one in found]


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("how", ["revoked", "left Slack"])
async def test_whoever_leaves_is_taken_out_and_the_admins_are_told(
    sqlite_database: Database, how: str, *, broken: bool
) -> None:
    """The bug: a policy keeps the name of whoever has left, and everybody believes that somebody is called."""
    stage = Office(sqlite_database)
    await stage.changed("person <@U0MAYA> after 1 hour")

    async def fetch(_: SlackIdentity) -> Profile | None:
        return Profile(broken, "Maya Ortiz", None, "UTC")

    if how == "revoked":
        told: dict[str, Any] = {} if broken else {"on_leaving": lambda s, m, at: taken_out(s, m, at, stage.notifier)}
        members = MemberService(stage.desk, stage.clock, None, **told)  # type: ignore[arg-type]  # nobody is asked
        maya = stage.actor("U0MAYA").member
        assert maya is not None
        await members.revoke(stage.actor(), maya.id, key())
    else:
        await Leavers(stage.database, fetch, stage.notifier, frozenset, stage.clock.now).sweep()
    assert (stage.stored() == DEFAULT_POLICY) is not broken
    assert ["Maya Ortiz has left" in words for words in left(stage)] == ([] if broken else [True])
