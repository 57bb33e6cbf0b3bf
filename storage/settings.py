"""Configuration: environment variables, read once. A missing or wrong one stops the start with a readable list."""

import re
from datetime import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from storage.facts.access import RefreshAccess

#: With a token behind it, the part before the @ has 64 signs at most.
_BOUNCES = re.compile(r"[A-Za-z0-9._-]{1,17}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)
_SERVER = re.compile(r"[a-z0-9](?:[a-z0-9.:-]{0,251}[a-z0-9])?|::1", re.ASCII)
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_DATABASE = re.compile(r"sqlite:///\S.*|postgres(ql(\+psycopg)?)?://\S+", re.ASCII)
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_MAIL = ("smtps://", "smtp+starttls://", "smtp://")
#: what a value of the wrong kind should be, by the name that pydantic has for the mistake
_SHOULD_BE = {
    "bool_parsing": "true or false",
    "enum": "{expected}",
    "float_parsing": "a number",
    "greater_than_equal": "at least {ge}",
    "int_parsing": "a whole number",
    "less_than_equal": "at most {le}",
    "time_parsing": "a time of day, such as 08:00",
}


class SettingsError(RuntimeError):
    """The configuration cannot work; the text lists every variable that is wrong and what it should hold."""


class ProcessRole(StrEnum):
    """What this process does."""

    ALL = "all"
    WEB = "web"
    WORKER = "worker"


def _secure_url(value: str) -> str:
    """Refuse plain http to anything but this machine, so that no token travels in the clear."""
    if not value:
        return value
    parts = urlsplit(value.replace("{shop}", "shop"))
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return value
    raise ValueError("must be an https:// address (plain http is allowed to this machine only)")


SecureUrl = Annotated[str, AfterValidator(_secure_url)]


class Settings(BaseSettings):
    """Every variable that Tidings reads; `.env.example` explains each one."""

    model_config = SettingsConfigDict(env_file=None, extra="ignore", case_sensitive=False)

    role: ProcessRole = ProcessRole.ALL
    database_url: str = "sqlite:///data/tidings.db"
    warehouse_url: str = "data/warehouse"
    public_url: SecureUrl = "http://127.0.0.1:8000"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    secret_keys: Annotated[list[SecretStr], NoDecode] = Field(default_factory=list)

    slack_bot_token: SecretStr = SecretStr("")
    slack_app_token: SecretStr = SecretStr("")
    slack_signing_secret: SecretStr = SecretStr("")
    slack_client_id: str = ""
    slack_client_secret: SecretStr = SecretStr("")
    slack_api_url: SecureUrl = "https://slack.com/api/"

    support_channel: str = ""
    support_email: str = ""
    refresh_access: RefreshAccess = RefreshAccess.OPEN
    smtp_url: SecretStr = SecretStr("")
    mail_from: str = ""
    bounce_address: str = ""
    bounce_mailbox: SecretStr = SecretStr("")

    quickbooks_client_id: str = ""
    quickbooks_client_secret: SecretStr = SecretStr("")
    quickbooks_client_secret_previous: SecretStr = SecretStr("")
    quickbooks_api_url: SecureUrl = "https://quickbooks.api.intuit.com"
    quickbooks_auth_url: SecureUrl = "https://appcenter.intuit.com/connect/oauth2"
    quickbooks_token_url: SecureUrl = "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"  # noqa: S105 - an address
    quickbooks_webhook_verifier: SecretStr = SecretStr("")
    quickbooks_webhook_verifier_previous: SecretStr = SecretStr("")
    quickbooks_monthly_reads: int = Field(default=500_000, ge=1000)

    shopify_client_id: str = ""
    shopify_client_secret: SecretStr = SecretStr("")
    shopify_client_secret_previous: SecretStr = SecretStr("")
    shopify_api_url: SecureUrl = "https://{shop}"
    shopify_auth_url: SecureUrl = "https://{shop}/admin/oauth/authorize"
    shopify_token_url: SecureUrl = "https://{shop}/admin/oauth/access_token"  # noqa: S105 - an address

    amazon_client_id: str = ""
    amazon_client_secret: SecretStr = SecretStr("")
    amazon_client_secret_previous: SecretStr = SecretStr("")
    amazon_application_id: str = ""
    amazon_draft: bool = False
    amazon_api_url_na: SecureUrl = "https://sellingpartnerapi-na.amazon.com"
    amazon_api_url_eu: SecureUrl = "https://sellingpartnerapi-eu.amazon.com"
    amazon_api_url_fe: SecureUrl = "https://sellingpartnerapi-fe.amazon.com"
    amazon_auth_url_na: SecureUrl = "https://sellercentral.amazon.com/apps/authorize/consent"
    amazon_auth_url_eu: SecureUrl = "https://sellercentral-europe.amazon.com/apps/authorize/consent"
    amazon_auth_url_fe: SecureUrl = "https://sellercentral.amazon.co.jp/apps/authorize/consent"
    amazon_token_url_na: SecureUrl = "https://api.amazon.com/auth/o2/token"  # noqa: S105 - an address
    amazon_token_url_eu: SecureUrl = "https://api.amazon.com/auth/o2/token"  # noqa: S105 - an address
    amazon_token_url_fe: SecureUrl = "https://api.amazon.com/auth/o2/token"  # noqa: S105 - an address

    files_folder: str = "data/files"
    netsuite_folder: str = "data/netsuite"
    netsuite_endpoints: str = ""
    exchange_folder: str = ""
    exchange_hosts: str = ""
    webhooks_to_this_machine: bool = False

    #: read by `tidings watch`, see `storage.watch_settings`; here so that they are known, and never logged
    watch_smtp_url: SecretStr = SecretStr("")
    watch_mail_from: str = ""
    watch_email: str = ""
    watch_state: str = "data/watch.json"
    watch_seconds: float = 30.0

    #: UTC; None: no daily test message
    canary_at: time | None = None
    metrics_port: int = Field(default=0, ge=0, le=65535)
    metrics_host: str = "127.0.0.1"

    log_level: str = "INFO"

    @field_validator("canary_at", mode="before")
    @classmethod
    def _empty_is_never(cls, value: object) -> object:
        return value or None

    @model_validator(mode="before")
    @classmethod
    def _split_keys(cls, values: dict[str, object]) -> dict[str, object]:
        keys = values.get("secret_keys")
        if isinstance(keys, str):
            values["secret_keys"] = [key.strip() for key in keys.split(",") if key.strip()]
        return values

    @model_validator(mode="after")
    def _whole(self) -> "Settings":
        problems = [*self._slack_problems(), *self._mail_problems(), *self._scale_problems()]
        problems += database_problems(self.database_url)
        if not self.public_url:
            problems.append("PUBLIC_URL: must be an address, such as https://tidings.example.com")
        if self.log_level.upper() not in _LEVELS:
            problems.append(f"LOG_LEVEL: must be {', '.join(_LEVELS[:-1])} or {_LEVELS[-1]}")
        if not all(map(_is_store, self.buckets)):
            problems.append(
                "NETSUITE_ENDPOINTS: must be https:// addresses of buckets, or imaps:// and the name of a mail server, "
                "separated by commas"
            )
        if wrong := [one for one in self.exchange_servers if not _SERVER.fullmatch(one)]:
            problems.append(f"EXCHANGE_HOSTS: must be names of servers, separated by commas; {wrong[0]} is none")
        if not self.secret_keys:
            problems.append("SECRET_KEYS: missing; make one with `tidings keys new`")
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _slack_problems(self) -> list[str]:
        problems = []
        installs = bool(self.slack_client_id and self.slack_client_secret.get_secret_value())
        if not self.slack_bot_token.get_secret_value() and not installs:
            problems.append(
                "SLACK_BOT_TOKEN: missing; it starts with xoxb- (or set SLACK_CLIENT_ID and SLACK_CLIENT_SECRET, and "
                "install at PUBLIC_URL/slack/install)"
            )
        if not self.socket_mode and len(self.slack_signing_secret.get_secret_value()) < 16:
            problems.append("SLACK_SIGNING_SECRET: missing or shorter than 16 characters (or set SLACK_APP_TOKEN)")
        if self.support_channel and len(self.support_channel.split("/")) != 2:
            problems.append("SUPPORT_CHANNEL: must be team/channel, such as T0123/C0456")
        if self.refresh_access is RefreshAccess.BY_REQUEST and not self.support_channel:
            problems.append("SUPPORT_CHANNEL: missing; with REFRESH_ACCESS=by_request requests are decided there")
        return problems

    def _mail_problems(self) -> list[str]:
        problems = mail_problems(self.smtp_url.get_secret_value(), self.mail_from, "SMTP_URL", "MAIL_FROM")
        mailbox = self.bounce_mailbox.get_secret_value()
        if self.bounce_address and not _BOUNCES.fullmatch(self.bounce_address):
            problems.append("BOUNCE_ADDRESS: must be an address with at most 17 letters or digits before its @")
        if mailbox and not _is_mailbox(mailbox):
            problems.append("BOUNCE_MAILBOX: must be imaps://user:password@host")
        if bool(self.bounce_address) != bool(mailbox):
            problems.append("BOUNCE_ADDRESS and BOUNCE_MAILBOX: set both or none")
        return problems

    def _scale_problems(self) -> list[str]:
        if self.role is ProcessRole.ALL:
            return []
        problems = []
        if self.database_url.startswith("sqlite"):
            problems.append(f"ROLE={self.role}: several processes need Postgres; set DATABASE_URL=postgresql://…")
        if "://" not in self.warehouse_url:
            problems.append(
                f"ROLE={self.role}: several processes need a shared warehouse; set WAREHOUSE_URL=postgresql://…"
            )
        return problems

    @property
    def buckets(self) -> tuple[str, ...]:
        """Addresses of buckets and mail servers, beside the well-known ones, where files may be delivered."""
        return tuple(one.strip() for one in self.netsuite_endpoints.split(",") if one.strip())

    @property
    def exchange_servers(self) -> tuple[str, ...]:
        """Names of servers in the operator's own network that files and orders may be exchanged with."""
        return tuple(one.strip().lower() for one in self.exchange_hosts.split(",") if one.strip())

    @property
    def socket_mode(self) -> bool:
        """Whether Slack is reached by a web socket of ours instead of by its requests to us."""
        return bool(self.slack_app_token.get_secret_value())


def _is_mailbox(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "imaps" and all((parts.hostname, parts.username, parts.password, parts.port != 0))
    except ValueError:
        # What it says may hold a part of the password.
        return False


def _is_store(address: str) -> bool:
    try:
        parts = urlsplit(address)
        if parts.scheme == "imaps":
            return bool(parts.hostname) and "@" not in address and not parts.path
        return bool(_secure_url(address))
    except ValueError:
        return False


def database_problems(url: str) -> list[str]:
    """Return what is wrong with the address of the database; it may hold a password, so it is not repeated."""
    if _DATABASE.fullmatch(url):
        return []
    return ["DATABASE_URL: must be sqlite:///FILE or postgresql://user:password@host:5432/database"]


def mail_problems(url: str, sender: str, url_name: str, sender_name: str) -> list[str]:
    """Return what is wrong with the address of a mail server and a sender, by the names of their variables."""
    problems = []
    if url and "@" not in sender:
        problems.append(f"{sender_name}: must be an address when {url_name} is set")
    if url and (not url.startswith(_MAIL) or (url.startswith("smtp://") and urlsplit(url).hostname not in _LOOPBACK)):
        problems.append(f"{url_name}: must begin with smtps:// or smtp+starttls:// (smtp:// to this machine only)")
    return problems


def load_settings(env_file: Path | None = None) -> Settings:
    """Read the environment (and a file of the same variables, where given); SettingsError lists what is wrong."""
    try:
        return Settings(_env_file=env_file)
    except ValidationError as error:
        raise SettingsError(_readable(error)) from None


def _readable(error: ValidationError) -> str:
    lines = ["The configuration is not complete:"]
    for problem in error.errors():
        name = "_".join(str(part) for part in problem["loc"]).upper()
        text = should_be(problem)
        lines.extend(f"  {name}: {line}" if name else f"  {line}" for line in text.splitlines())
    return "\n".join(lines)


def should_be(problem: ErrorDetails) -> str:
    """Return what a variable must be, in plain words and without its value."""
    words = _SHOULD_BE.get(problem["type"])
    if words is None:
        return problem["msg"].removeprefix("Value error, ")
    return f"must be {words.format(**problem.get('ctx', {}))}".replace("'", "")
