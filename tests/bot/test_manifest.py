"""`manifest.yaml` against the code and the stand-in: what is used is asked for, and nothing else is."""

import re
from pathlib import Path

import pytest
import yaml

import bot
import connectors
import jobs
from bot import installed
from jobs.manifest import PLACEHOLDER, granted, manifest, text_for
from sandbox.slack.methods import METHODS
from sandbox.slack.temerity import temerity_goods
from sandbox.slack.world import EVENTS, SCOPES
from storage.settings import Settings

ROOT = Path(bot.__file__).parents[1]
#: Methods that the app calls with its own keys or tokens, for which no scope of the bot is needed.
WITHOUT_SCOPE = {
    "apps.connections.open", "auth.teams.list", "auth.test", "oauth.v2.access", "openid.connect.token",
    "openid.connect.userInfo", "views.open", "views.publish", "views.push", "views.update",
}  # fmt: skip
#: Scopes that a subscription or a command needs, by Slack's documentation.
BY_EVENT = {"app_mention": "app_mentions:read", "message.im": "im:history", "user_change": "users:read"}
#: Scopes that add a field to an answer instead of a method.
BY_FIELD = {"users:read.email"}
METHOD = re.compile(r"\"((?:assistant\.threads|chat|conversations|users|usergroups|views|auth|apps|oauth\.v2|openid\.connect|team|files|reactions)"
                    r"\.[a-zA-Z.]+)\"")  # fmt: skip


def sources() -> str:
    """All the code that may talk to Slack."""
    folders = [Path(str(package.__file__)).parent for package in (bot, jobs, connectors)]
    files = [path for folder in folders for path in folder.rglob("*.py") if "cli" not in path.parts]
    files += list((ROOT / "bot" / "cli").glob("checks*.py"))
    return "\n".join(path.read_text("utf-8") for path in files)


def called() -> set[str]:
    """Every method of Slack's that the code names."""
    return set(METHOD.findall(sources()))


def unasked(scopes: frozenset[str]) -> list[str]:
    """Return what the code does that these scopes do not allow."""
    found = []
    for method in sorted(called() - WITHOUT_SCOPE):
        needed = METHODS[method].scopes
        kinds = {scope.partition(":")[0] for scope in needed}
        # Methods for channels of every kind need the scope of each kind that we use.
        wanted = set(needed) if kinds == {"channels", "groups", "im"} else set(needed[:1])
        wanted -= {"im:read"}
        found += [f"{method} needs {scope}" for scope in sorted(wanted - scopes)]
    found += [f"{event} needs {scope}" for event, scope in BY_EVENT.items() if scope not in scopes]
    return found + ([] if "commands" in scopes else ["/data needs commands"])


def test_every_method_that_is_called_is_known_to_the_stand_in() -> None:
    assert len(called()) > 10
    assert called() - WITHOUT_SCOPE <= set(METHODS)


def test_what_the_code_does_is_asked_for() -> None:
    assert unasked(manifest().scopes) == []


def test_nothing_is_asked_for_that_nothing_needs() -> None:
    needed = {scope for method in called() - WITHOUT_SCOPE for scope in METHODS[method].scopes}
    assert manifest().scopes <= needed | set(BY_EVENT.values()) | BY_FIELD | {"commands"}


@pytest.mark.parametrize("scope", sorted(manifest().scopes - BY_FIELD))
def test_the_check_catches_each_scope_that_would_be_forgotten(scope: str) -> None:
    assert unasked(manifest().scopes - {scope}) != []


def test_the_stand_in_grants_and_brings_exactly_that() -> None:
    assert manifest().scopes == SCOPES
    assert manifest().events <= EVENTS
    assert set(temerity_goods().app.commands) == manifest().commands
    assert {one: kind for one, (kind, _) in temerity_goods().app.shortcuts.items()} == manifest().shortcuts


def test_the_events_that_are_read_are_those_that_are_subscribed_to() -> None:
    text = (Path(bot.__file__).parent / "interaction.py").read_text("utf-8")
    read = set(re.findall(r"case \"([a-z_]+)\" ?(?:if|:)", text.partition("def _event(")[2].partition("\ndef ")[0]))
    read = {"message.im" if kind == "message" else kind for kind in read}
    assert read | installed.REMOVED | installed.CHANGED == manifest().events


def test_the_addresses_are_those_that_we_answer_at() -> None:
    from bot.web import SLACK_PATH

    assert manifest().request_urls == {f"{PLACEHOLDER}{SLACK_PATH}"}
    code = sources()
    for url in manifest().redirect_urls:
        path = url.removeprefix(PLACEHOLDER)
        assert f'Route("{path}"' in code, path


def test_it_is_one_file_in_the_packages_and_at_the_root() -> None:
    at_root = ROOT / "manifest.yaml"
    if not at_root.exists():
        pytest.skip("installed without its repository")
    assert at_root.resolve() == (Path(jobs.__file__).parent / "manifest.yaml").resolve()


def test_it_is_printed_with_ones_own_address() -> None:
    text = text_for("https://data.company.example/", socket_mode=True)
    assert PLACEHOLDER not in text
    found = yaml.safe_load(text)
    assert found["settings"]["socket_mode_enabled"] is True
    assert found["oauth_config"]["redirect_urls"][0] == "https://data.company.example/slack/oauth/callback"
    assert yaml.safe_load(text_for(PLACEHOLDER, socket_mode=False))["settings"]["socket_mode_enabled"] is False


def test_people_and_groups_arrive_as_ids() -> None:
    """Without it `@finance-team` in a command is text, and anybody may take a name."""
    document = yaml.safe_load((ROOT / "jobs" / "manifest.yaml").read_text("utf-8"))
    assert all(command["should_escape"] for command in document["features"]["slash_commands"])
    assert document["settings"]["org_deploy_enabled"] is True


def test_limits_of_slacks_own() -> None:
    document = yaml.safe_load((ROOT / "jobs" / "manifest.yaml").read_text("utf-8"))
    about = document["display_information"]
    assert len(about["name"]) <= 35
    assert len(about["description"]) <= 140
    assert 174 <= len(about["long_description"]) <= 4000
    for shortcut in document["features"]["shortcuts"]:
        assert len(shortcut["name"]) <= 24
        assert len(shortcut["description"]) <= 150
    for command in document["features"]["slash_commands"]:
        assert len(command["description"]) <= 2000
        assert len(command["usage_hint"]) <= 1000


def test_scopes_are_read_as_slack_writes_them() -> None:
    assert granted("chat:write, users:read,,") == {"chat:write", "users:read"}
    assert granted("") == frozenset()


def test_no_setting_names_a_scope_of_its_own() -> None:
    assert not [name for name in Settings.model_fields if "scope" in name]
