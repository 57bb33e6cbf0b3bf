"""Settings that come from given values alone, whatever the environment of the caller holds."""

from collections.abc import Mapping

from storage.settings import Settings


def isolated_settings(values: Mapping[str, str]) -> Settings:
    """Return settings made of these variables and the defaults; a real token in the environment stays out of it."""
    given = {name.lower(): value for name, value in values.items()}
    defaults = {
        name: field.get_default(call_default_factory=True)
        for name, field in Settings.model_fields.items()
        if name not in given
    }
    return Settings(_env_file=None, **{**defaults, **given})
