"""Which request meets which trouble."""

import msgspec
import pytest

from sandbox.misbehave import Call, Kind, Rule, Script, rules_from_json

CALL = Call("GET", "/v3/company/1/query", "query", "Invoice", "1", "select * from Invoice startposition 1001")


def kinds(script: Script, count: int, call: Call = CALL) -> list[str]:
    met = [script.meet(call)[1] for _ in range(count)]
    return [rule.kind.value if rule else "" for rule in met]


def test_a_rule_strikes_once_unless_told_otherwise() -> None:
    assert kinds(Script([Rule(Kind.RESET)]), 3) == ["reset", "", ""]
    assert kinds(Script([Rule(Kind.RESET, times=2)]), 3) == ["reset", "reset", ""]
    assert kinds(Script([Rule(Kind.RESET, times=None)]), 3) == ["reset"] * 3


def test_the_nth_matching_request_is_counted_over_matching_ones_only() -> None:
    script = Script([Rule(Kind.RESET, entity="Invoice", nth=2)])
    other = Call("GET", "/v3/company/1/query", "query", "Bill")
    assert kinds(script, 1) == [""]
    assert kinds(script, 5, other) == [""] * 5
    assert kinds(script, 2) == ["reset", ""]


def test_the_first_ones_can_be_left_in_peace() -> None:
    assert kinds(Script([Rule(Kind.RESET, skip=2, times=None)]), 4) == ["", "", "reset", "reset"]


@pytest.mark.parametrize(
    "rule",
    [
        Rule(Kind.RESET, path="/reports/"),
        Rule(Kind.RESET, method="POST"),
        Rule(Kind.RESET, operation="token"),
        Rule(Kind.RESET, entity="Bill"),
        Rule(Kind.RESET, account="2"),
        Rule(Kind.RESET, detail="startposition 2001"),
    ],
)
def test_every_condition_must_hold(rule: Rule) -> None:
    assert kinds(Script([rule]), 1) == [""]


def test_chance_is_drawn_from_the_seed() -> None:
    def drawn(seed: int) -> list[str]:
        return kinds(Script([Rule(Kind.RESET, times=None, probability=0.5, seed=seed)]), 40)

    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)
    assert 5 < drawn(7).count("reset") < 35


def test_latencies_add_up_and_let_the_next_rule_decide() -> None:
    script = Script(
        [Rule(Kind.LATENCY, seconds=1.5), Rule(Kind.LATENCY, seconds=0.5), Rule(Kind.HTML), Rule(Kind.RESET)]
    )
    seconds, rule = script.meet(CALL)
    assert seconds == 2.0
    assert rule is not None
    assert rule.kind is Kind.HTML


def test_rules_are_read_from_json_and_a_misspelt_one_is_refused() -> None:
    assert rules_from_json(b'{"kind": "hang", "entity": "orders"}') == [Rule(Kind.HANG, entity="orders")]
    assert len(rules_from_json(b'[{"kind": "reset"}, {"kind": "late", "seconds": 2}]')) == 2
    with pytest.raises(msgspec.ValidationError, match="entitty"):
        rules_from_json(b'{"kind": "hang", "entitty": "orders"}')
    with pytest.raises(msgspec.ValidationError, match="explode"):
        rules_from_json(b'{"kind": "explode"}')


def test_only_a_hang_takes_effect_by_itself() -> None:
    assert Rule(Kind.HANG).takes_effect
    assert not Rule(Kind.HANG, accept=False).takes_effect
    assert not Rule(Kind.RESET).takes_effect
    assert Rule(Kind.SERVER_ERROR, accept=True).takes_effect
