"""The configuration: complete or refused with a readable list; secrets do not print."""

from pathlib import Path

import pytest

from storage.facts.access import RefreshAccess
from storage.settings import ProcessRole, Settings, SettingsError, load_settings

ENOUGH = {
    "SLACK_BOT_TOKEN": "xoxb-for-a-test",
    "SLACK_SIGNING_SECRET": "0123456789abcdef",
    "SECRET_KEYS": "bm90IGEgcmVhbCBrZXk=",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing of ours set but what is needed."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in ENOUGH.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def refusal(environment: pytest.MonkeyPatch, **changes: str | None) -> str:
    for name, value in changes.items():
        if value is None:
            environment.delenv(name)
        else:
            environment.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return str(caught.value)


def test_three_variables_are_enough(environment: pytest.MonkeyPatch) -> None:
    settings = load_settings()
    assert settings.role is ProcessRole.ALL
    assert settings.database_url == "sqlite:///data/tidings.db"
    assert not settings.socket_mode


def test_everything_that_is_missing_is_told_at_once(environment: pytest.MonkeyPatch) -> None:
    text = refusal(environment, SLACK_BOT_TOKEN=None, SLACK_SIGNING_SECRET=None, SECRET_KEYS=None)
    assert [line.split(":")[0].strip() for line in text.splitlines()[1:]] == [
        "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SECRET_KEYS",
    ]  # fmt: skip


def test_access_by_request_needs_a_place_where_it_is_decided(environment: pytest.MonkeyPatch) -> None:
    assert "REFRESH_ACCESS=by_request" in refusal(environment, REFRESH_ACCESS="by_request")
    environment.setenv("SUPPORT_CHANNEL", "T0123/C0456")
    assert load_settings().refresh_access is RefreshAccess.BY_REQUEST


@pytest.mark.parametrize(
    "name,value",
    [
        ("ROLE", "everything"),
        ("REFRESH_ACCESS", "ask_nicely"),
        ("PORT", "80000"),
        ("PORT", "eighty"),
        ("PUBLIC_URL", "http://tidings.example.com"),
        ("SLACK_API_URL", "http://slack.example.com/api/"),
        ("QUICKBOOKS_TOKEN_URL", "ftp://quickbooks.example.com"),
        ("SHOPIFY_API_URL", "http://{shop}/admin"),
        ("SUPPORT_CHANNEL", "C0DATASUP"),
        ("SLACK_SIGNING_SECRET", "short"),
        ("QUICKBOOKS_MONTHLY_READS", "0"),
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "mysql://me:very-secret@host/tidings"),
        ("LOG_LEVEL", "loud"),
        ("PUBLIC_URL", ""),
        ("SMTP_URL", "https://mail.example.com"),
        ("NETSUITE_ENDPOINTS", "https://files.example.com,http://files.example.com"),
        ("NETSUITE_ENDPOINTS", "imaps://me:very-secret@mail.example.com"),
        ("CANARY_AT", "8"),
        ("AMAZON_DRAFT", "maybe"),
    ],
)
def test_a_wrong_value_is_named_in_plain_words(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    text = refusal(environment, **{name: value})
    assert f"  {name}: " in text
    assert "must be" in text or "shorter than" in text
    assert "Input should" not in text
    assert "very-secret" not in text


def test_the_folder_of_the_database_may_have_spaces_in_its_name(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DATABASE_URL", "sqlite:////srv/finance data/tidings.db")
    assert load_settings().database_url == "sqlite:////srv/finance data/tidings.db"


def test_mail_servers_may_stand_among_the_buckets(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NETSUITE_ENDPOINTS", "https://files.example.com, imaps://mail.example.com")
    assert load_settings().buckets == ("https://files.example.com", "imaps://mail.example.com")


def test_plain_http_is_allowed_to_this_machine_only(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("QUICKBOOKS_API_URL", "http://127.0.0.1:4000")
    environment.setenv("SHOPIFY_API_URL", "http://localhost:4001/{shop}")
    assert load_settings().quickbooks_api_url == "http://127.0.0.1:4000"
    environment.setenv("QUICKBOOKS_API_URL", "http://127.0.0.1.evil.example:4000")
    with pytest.raises(SettingsError, match="QUICKBOOKS_API_URL"):
        load_settings()


def test_mail_needs_a_sender(environment: pytest.MonkeyPatch) -> None:
    assert "MAIL_FROM" in refusal(environment, SMTP_URL="smtp://127.0.0.1:2525")


def test_mails_that_come_back_need_an_address_and_a_mailbox(environment: pytest.MonkeyPatch) -> None:
    assert "set both or none" in refusal(environment, BOUNCE_ADDRESS="bounces@tidings.example")
    said = refusal(environment, BOUNCE_MAILBOX="imaps://me:very/secret@mail.example")
    assert "must be imaps://" in said
    assert "very" not in said
    environment.setenv("BOUNCE_MAILBOX", "imaps://me:secret@mail.example")
    assert "at most 17" in refusal(environment, BOUNCE_ADDRESS="a+b@tidings.example")


@pytest.mark.parametrize("role", ["web", "worker"])
def test_several_processes_need_postgres_and_a_shared_warehouse(environment: pytest.MonkeyPatch, role: str) -> None:
    text = refusal(environment, ROLE=role)
    assert "DATABASE_URL" in text
    assert "WAREHOUSE_URL" in text


def test_an_app_token_means_socket_mode_and_needs_no_signing_secret(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("SLACK_SIGNING_SECRET")
    environment.setenv("SLACK_APP_TOKEN", "xapp-for-a-test")
    assert load_settings().socket_mode


def test_keys_are_a_list_with_commas(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SECRET_KEYS", " new , old ,")
    assert [key.get_secret_value() for key in load_settings().secret_keys] == ["new", "old"]


def test_no_secret_is_in_a_print_or_in_a_refusal(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SMTP_URL", "smtp://user:very-secret@127.0.0.1:2525")
    environment.setenv("MAIL_FROM", "data@tidings.example")
    shown = f"{load_settings()!r} {load_settings()}"
    text = refusal(environment, SLACK_CLIENT_SECRET="very-secret", PORT="eighty")
    for secret in ("very-secret", *ENOUGH.values()):
        assert secret not in shown
        assert secret not in text


def test_every_variable_is_explained_in_the_example_file() -> None:
    example = (Path(__file__).parents[2] / ".env.example").read_text()
    named = {line.lstrip("# ").split("=")[0] for line in example.splitlines() if "=" in line}
    missing = {name.upper() for name in Settings.model_fields} - named
    assert not missing, f"not in .env.example: {sorted(missing)}"


def test_the_example_file_shows_the_defaults_that_are_in_force(environment: pytest.MonkeyPatch) -> None:
    example = (Path(__file__).parents[2] / ".env.example").read_text()
    shown = dict(line.split("=", 1) for line in example.splitlines() if "=" in line and not line.startswith("#"))
    settings = load_settings()
    for name in ("database_url", "warehouse_url", "public_url", "host", "port", "role", "log_level", "slack_api_url",
                 "quickbooks_monthly_reads"):  # fmt: skip
        assert shown[name.upper()] == str(getattr(settings, name))
    for name in Settings.model_fields:
        if name.endswith("_url") and name.startswith(("quickbooks", "shopify")):
            assert shown[name.upper()] == getattr(settings, name), name
