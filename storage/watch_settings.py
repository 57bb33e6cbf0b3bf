"""What the watcher reads: few variables, so that it runs where no secret of the product is."""

from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from storage.settings import SettingsError, database_problems, mail_problems, should_be


class WatchSettings(BaseSettings):
    """The variables of `tidings watch`; those of the mail are its own, so that it can speak when Tidings cannot."""

    model_config = SettingsConfigDict(env_file=None, extra="ignore", case_sensitive=False)

    database_url: str = "sqlite:///data/tidings.db"
    watch_smtp_url: SecretStr = SecretStr("")
    watch_mail_from: str = ""
    watch_email: str = ""
    watch_state: str = "data/watch.json"
    watch_seconds: float = Field(default=30.0, ge=5, le=120)
    smtp_url: SecretStr = SecretStr("")
    mail_from: str = ""
    support_email: str = ""
    log_level: str = "INFO"

    @property
    def own(self) -> bool:
        """Whether it has a mail server of its own, or shares the one of Tidings, and its fate."""
        return bool(self.watch_smtp_url.get_secret_value())

    @property
    def mail(self) -> tuple[str, str, str]:
        """Return the server's address, the sender and who is told."""
        url = self.watch_smtp_url if self.own else self.smtp_url
        return url.get_secret_value(), self.watch_mail_from or self.mail_from, self.watch_email or self.support_email


def load_watch_settings(env_file: Path | None = None) -> WatchSettings:
    """Read the environment (and a file of the same variables); SettingsError lists what is wrong."""
    try:
        settings = WatchSettings(_env_file=env_file)
    except ValidationError as error:
        wrong = [f"  {str(problem['loc'][0]).upper()}: {should_be(problem)}" for problem in error.errors()]
        raise SettingsError("\n".join(["The configuration is not complete:", *wrong])) from None
    url, sender, told = settings.mail
    variables = ("WATCH_SMTP_URL", "WATCH_MAIL_FROM") if settings.own else ("SMTP_URL", "MAIL_FROM")
    problems = database_problems(settings.database_url) + mail_problems(url, sender, *variables)
    if not url:
        problems.append("WATCH_SMTP_URL: missing; without a mail server nobody can be told")
    if "@" not in told:
        problems.append("WATCH_EMAIL: missing; the address of whoever is told")
    if problems:
        raise SettingsError("\n".join(["The configuration is not complete:", *(f"  {line}" for line in problems)]))
    return settings
