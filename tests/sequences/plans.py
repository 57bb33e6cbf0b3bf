"""What may happen: drawn by hypothesis, which names the shortest sequence that fails, and a few that are always played."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

#: Where a run may die, beside in the middle of what it hands over.
DEATHS = (
    "", "", "", "batch", "later batch", "run.collected", "warehouse.staged", "warehouse.before_commit",
    "warehouse.after_commit", "run.loaded", "warehouse.process.before_commit", "warehouse.process.after_commit",
    "run.before_end",
)  # fmt: skip
SOAKED = 20
#: seconds for all of them, and for finding the shortest that fails
_LONGEST = 3600


@dataclass(frozen=True)
class Step:
    """Something happens at the provider, time passes, and a run comes."""

    #: decides what happens and what fails
    seed: int
    minutes: int = 20
    #: calls fail while it reads
    fails: bool = False
    #: the provider goes on while it reads: pages shift
    busy: bool = False
    #: where its process dies, and is started again
    dies: str = ""

    def chance(self, what: str) -> Random:
        """Return what decides one kind of thing, the same each time."""
        return Random(f"{self.seed}/{what}")


#: Rounds of steps. Each ends with a good run, after which both sides are compared.
Plan = tuple[tuple[Step, ...], ...]

_STEPS = st.builds(
    Step,
    seed=st.integers(0, 2**20),
    minutes=st.sampled_from([20, 3, 70]),
    fails=st.booleans(),
    busy=st.booleans(),
    dies=st.sampled_from(DEATHS),
)
PLANS: st.SearchStrategy[Plan] = st.lists(
    st.lists(_STEPS, min_size=1, max_size=3).map(tuple), min_size=1, max_size=3
).map(tuple)

#: A read that dies in the middle, and one that dies when its rows are in, while calls fail and the provider goes on.
LIVELY: Plan = ((Step(2, dies="batch", busy=True), Step(3, 70, fails=True, busy=True, dies="warehouse.after_commit")),)

Test = Callable[..., Any]


def played(*always: Plan) -> Callable[[Test], Test]:
    """Play a test's `plan`: these in every run, under SOAK many more, whose shortest failing one is printed."""
    soak = bool(os.environ.get("SOAK"))
    phases = (Phase.explicit, Phase.generate, Phase.shrink) if soak else (Phase.explicit,)

    def decorate(test: Test) -> Test:
        for plan in always:
            test = example(plan=plan)(test)
        drawn = given(plan=PLANS)(test)
        limited: Test = settings(
            max_examples=SOAKED,
            phases=phases,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        )(drawn)
        return pytest.mark.timeout(_LONGEST)(limited) if soak else limited

    return decorate
