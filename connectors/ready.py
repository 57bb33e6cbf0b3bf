"""Reading the SQL of ready tables from the files beside a connector."""

from importlib.resources import files


def sql(package: str, name: str) -> str:
    """Return ``<package>/ready/<name>.sql``."""
    return (files(package) / "ready" / f"{name}.sql").read_text(encoding="utf-8")
