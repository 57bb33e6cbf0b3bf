"""A seed file is read strictly: each problem with its line, and no value of the file in an error."""

from pathlib import Path

import pytest

from storage.facts.people import Role
from storage.seed_file import Seed, load_seed, parse_seed
from storage.seed_text import SeedError

EXAMPLE = Path(__file__).parents[2] / "sandbox" / "temerity_goods.yaml"
ENVIRONMENT = {
    "TEMERITY_BOT_TOKEN": "xoxb-temerity-secret",
    "SUPPORT_BOT_TOKEN": "xoxb-support-secret",
    "QUICKBOOKS_REFRESH_TOKEN": "quickbooks-secret",
    "SHOPIFY_ACCESS_TOKEN": "shopify-secret",
    "SHOPIFY_REFRESH_TOKEN": "shopify-refresh-secret",
}
SMALL = """\
format: 1
organization:
  key: small
  name: Small Ltd
  timezone: Europe/London
workspaces:
  - team: T0SMALL
    name: Small
    members:
      - {user: U0ANN, name: Ann, role: admin}
sources:
  - provider: shopify
    account: small.myshopify.com
    company: Small
"""


def parsed(text: str) -> Seed:
    return parse_seed(text, "small.yaml", {})


def problems(text: str, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SeedError) as caught:
        parse_seed(text, "small.yaml", environment or {})
    assert str(caught.value).startswith("small.yaml cannot be used:")
    return [str(problem) for problem in caught.value.problems]


def test_the_example_is_read_with_its_references() -> None:
    seed = load_seed(EXAMPLE, ENVIRONMENT)
    assert seed.organization.name == "Temerity Goods"
    assert [source.shown for source in seed.sources] == ["quickbooks_9341450000000001", "temeritygoods.myshopify.com"]
    credentials = seed.sources[0].credentials
    assert credentials is not None
    assert credentials.refresh_token is not None
    assert credentials.refresh_token.get_secret_value() == "quickbooks-secret"
    assert "secret" not in repr(seed).replace("SecretStr", "")


def test_an_amazon_account_needs_its_region() -> None:
    amazon = SMALL.replace("provider: shopify", "provider: amazon").replace("small.myshopify.com", "A2TEMERITYUS01")
    assert parsed(f"{amazon}    region: eu\n").sources[0].region == "eu"
    for wrong in (amazon, f"{amazon}    region: us\n", f"{SMALL}    region: eu\n"):
        assert "region must be na, eu or fe" in problems(wrong)[0]
    assert "a seller id" in problems(amazon.replace("A2TEMERITYUS01", "a2-temerity"))[0]


def test_every_missing_environment_variable_is_told_with_its_line() -> None:
    with pytest.raises(SeedError) as caught:
        load_seed(EXAMPLE, {})
    lines = EXAMPLE.read_text().splitlines()
    assert len(caught.value.problems) == 5
    for problem in caught.value.problems:
        name = problem.text.split()[3]
        assert "${" + name + "}" in lines[problem.line - 1]


def test_the_small_file_is_enough() -> None:
    seed = parsed(SMALL)
    assert seed.workspaces[0].members[0].role is Role.ADMIN
    assert seed.sources[0].shown == "small.myshopify.com"


@pytest.mark.parametrize(
    "old,new,expected",
    [
        ("format: 1", "format: 2", "line 1: format: Input should be 1"),
        ("key: small", "kee: small", "line 3: organization.kee: is not a field of this part"),
        ("key: small", "key: Not A Key", "line 3: organization.key: does not have the right form"),
        ("Europe/London", "London", "line 5: organization.timezone: not a time zone of the IANA list"),
        ("team: T0SMALL", "team: C0SMALL", "line 7: workspaces[0].team: does not have the right form"),
        ("role: admin", "role: boss", "line 10: workspaces[0].members[0].role: Input should be"),
        ("name: Ann", "name: 12", "line 10: workspaces[0].members[0].name: must be text: put it in quotes"),
        ("name: Ann", 'name: "Ann\\nBcc: x"', "line 10: workspaces[0].members[0].name: must be one line"),
        ("provider: shopify", "provider: amazn", "line 12: sources[0].provider: Input should be"),
        ("small.myshopify.com", "small.example.com", "sources[0]: account must be a full shop domain"),
        ("account: small.myshopify.com", "account: x.myshopify.com.evil.example", "account must be a full shop"),
        ("company: Small", "company: Small\n    schedule: 1", "line 15: sources[0].schedule: Input should be greater"),
        (
            "company: Small",
            "company: Small\n    schedule: '60'",
            "line 15: sources[0].schedule: must be a whole number",
        ),
        ("company: Small", "company: Small\n    company: Big", "line 15: sources[0].company: is there twice"),
        ("company: Small", "company: Small\n    credentials: {}", "sources[0].credentials: needs a refresh_token"),
        ("    company: Small", "", "line 12: sources[0].company: is missing"),
        ("workspaces:", "workspaces: []\nother:", "workspaces: List should have at least 1 item"),
        ("  key: small", "  key: [small", "not readable as YAML"),
        ("  key: small", "  key: !!python/object:os.system small", "not a plain value"),
        ("  key: small", "  key: 2026-13-45", "line 3: organization.key"),
    ],
)
def test_each_mistake_is_told_where_it_is(old: str, new: str, expected: str) -> None:
    found = problems(SMALL.replace(old, new, 1))
    assert any(expected in problem for problem in found), found


def test_the_same_person_workspace_or_source_twice_is_refused() -> None:
    member = "      - {user: U0ANN, name: Ann, role: admin}\n"
    assert problems(SMALL.replace(member, member * 2)) == ["line 11: workspaces[0].members[1].user: is there twice"]
    source = SMALL[SMALL.index("  - provider") :]
    assert problems(SMALL + source) == ["line 16: sources[1].account: is there twice"]
    assert problems(SMALL + "support: {team: T0SMALL, name: Small}\n") == ["line 15: support.team: is there twice"]


def test_an_empty_file_is_refused() -> None:
    assert problems("") == ["line 1: must be a group of fields"]


def test_a_file_that_grows_when_it_is_read_is_refused() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 9) + "]\n" for n in range(1, 9))
    assert "too much in one file" in problems(bomb)[0]
    assert "too much in one file" in problems("a: &a [*a]\n")[0]
    assert problems("# " + "x" * 1_000_001) == ["line 1: the file is larger than 1 MB"]


def test_no_value_of_the_file_is_in_an_error() -> None:
    text = SMALL.replace("    company: Small", "    company: Small\n    credentials: {refresh_token: [my-secret]}")
    text = text.replace(
        "name: Small\n", "name: Small\n    bot_token: my-secret my-secret my-secret\n    bot_user: my-secret\n"
    )
    found = problems(text.replace("role: admin", "role: my-secret"))
    assert len(found) == 3
    assert not any("my-secret" in problem for problem in found)
