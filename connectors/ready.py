"""Reading the SQL of ready tables from the files beside a connector."""

from importlib.resources import files
from string import Template


def sql(package: str, name: str, **words: str) -> str:
    """Return ``<package>/ready/<name>.sql``, with these words in the place of its ``${placeholders}`` if there are any.

    So one file serves documents that differ in their names alone (KeyError for a placeholder without a word).
    """
    found = (files(package) / "ready" / f"{name}.sql").read_text(encoding="utf-8")
    return Template(found).substitute(words) if words else found
