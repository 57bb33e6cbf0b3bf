"""Modules are compiled once before the workers start, which would otherwise each compile all of them at the same time.

Asserts of test modules are rewritten by pytest before they are compiled, and this is most of the work.
"""

import os
import py_compile
import sys
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from _pytest.assertion import rewrite

ROOT = Path(__file__).parents[1]
PACKAGES = ("bot", "connectors", "jobs", "sandbox", "storage", "templates", "tests")
#: fewer are compiled by whoever imports them first
_WORTH_IT = 50


def start_compiling(config: pytest.Config) -> list[int]:
    """Let a process per processor compile its share of what was never compiled; return their ids."""
    if sys.dont_write_bytecode or config.option.assertmode != "rewrite":
        return []
    missing = [(path, kept) for path in _modules() if not (kept := _kept(path)).exists()]
    if len(missing) < _WORTH_IT:
        return []
    # The largest first, so that both have as much to do.
    missing.sort(key=lambda one: one[0].stat().st_size, reverse=True)
    many = os.cpu_count() or 1
    return [_begun(config, missing[share::many]) for share in range(many)]


def wait_for(compiling: list[int]) -> None:
    """Return when they have ended; whatever they could not compile is left to who imports it."""
    for one in compiling:
        os.waitpid(one, 0)


def _modules() -> list[Path]:
    return [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]


def _is_rewritten(path: Path) -> bool:
    return path.name == "conftest.py" or path.name.startswith("test_")


def _kept(path: Path) -> Path:
    """Return where the compiled module is looked for."""
    if _is_rewritten(path):
        return rewrite.get_cache_dir(path) / (path.stem + rewrite.PYC_TAIL)
    return Path(cache_from_source(str(path)))


def _begun(config: pytest.Config, modules: list[tuple[Path, Path]]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        for path, kept in modules:
            kept.parent.mkdir(exist_ok=True)
            if _is_rewritten(path):
                digest, code = rewrite._rewrite_test(path, config)
                rewrite._write_pyc(config.stash[rewrite.assertstate_key], code, digest, kept)
            else:
                py_compile.compile(str(path), quiet=2)
    finally:
        os._exit(0)
