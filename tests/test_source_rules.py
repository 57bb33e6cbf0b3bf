"""What the product's own code never does: switch certificates off, start programs, compare secrets in a leaky way."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PRODUCT = ("bot", "connectors", "jobs", "storage", "templates")

#: T65: keyword or attribute -> the value that would switch a check off
_LENIENT = {"verify": False, "validate_certs": False, "check_hostname": False, "ssl": False, "verify_ssl": False}
_LENIENT_NAMES = {"CERT_NONE", "CERT_OPTIONAL", "_create_unverified_context", "_create_stdlib_context"}
#: T59: a child process would inherit the environment, and with it every secret, unless it is given an empty one
_PROGRAMS = {"subprocess", "multiprocessing", "pty", "posix_spawn", "os.system", "os.popen", "create_subprocess_exec",
             "create_subprocess_shell", "ProcessPoolExecutor"}  # fmt: skip
#: T67: what must be compared in constant time
#: the clock and the dice of Python itself are no modules of ours
_PATCHING = re.compile(r"monkeypatch\.setattr|\bpatch(\.object)?\((?!\"(time|secrets)\.)|MagicMock")
_SECRET = re.compile(r"signature$|hmac$|(?:hex)?digest$|^mac$|csrf$|reveal|get_secret_value", re.IGNORECASE)


def _modules() -> list[Path]:
    return [path for package in PRODUCT for path in sorted((ROOT / package).rglob("*.py"))]


def lenient(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that let a wrong certificate pass."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant):
            if node.arg in _LENIENT and node.value.value is _LENIENT[node.arg]:
                yield node.value.lineno
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value is False:
            if any(isinstance(target, ast.Attribute) and target.attr in _LENIENT for target in node.targets):
                yield node.lineno
        elif isinstance(node, ast.Name | ast.Attribute) and _last(node) in _LENIENT_NAMES:
            yield node.lineno


def programs(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that start another program, but for a call that gives it an empty environment."""
    bare = [
        range(node.lineno, (node.end_lineno or 0) + 1)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _is_bare(node)
    ]
    for node in ast.walk(tree):
        if any(getattr(node, "lineno", 0) in lines for lines in bare):
            continue
        names = {alias.name.partition(".")[0] for alias in node.names} if isinstance(node, ast.Import) else set()
        if isinstance(node, ast.ImportFrom):
            names = {(node.module or "").partition(".")[0], *(alias.name for alias in node.names)}
        if isinstance(node, ast.Attribute):
            names = {node.attr, f"{_last(node.value)}.{node.attr}"}
        if names & _PROGRAMS:
            yield getattr(node, "lineno", 0)


def _is_bare(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Call) and _last(node) == "create_subprocess_exec"):
        return False
    given = [word.value for word in node.keywords if word.arg == "env"]
    return len(given) == 1 and isinstance(given[0], ast.Dict) and not given[0].keys


def leaky(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that compare a signature or a secret with `==` or `in`, which tells how much of it was right."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq | ast.In) for op in node.ops):
            sides = [node.left, *node.comparators]
            known = any(isinstance(side, ast.Constant) for side in sides)
            if not known and any(_SECRET.search(_last(side)) for side in sides):
                yield node.lineno


def _last(node: ast.AST) -> str:
    if isinstance(node, ast.Call):
        return _last(node.func)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def test_the_product_keeps_the_rule() -> None:
    """Each module is read once for all of them."""
    modules = _modules()
    trees = ((path, ast.parse(path.read_text(encoding="utf-8"))) for path in modules)
    found = [
        f"{rule.__name__} {path.relative_to(ROOT)}:{line}"
        for path, tree in trees
        for rule in (lenient, programs, leaky)
        for line in rule(tree)
    ]
    assert len(modules) > 200
    assert found == []


TWINS = {
    lenient: ["client(verify=False)", "SMTP(validate_certs=False)", "context.check_hostname = False",
              "context.verify_mode = ssl.CERT_NONE", "TCPConnector(ssl=False)", "ssl._create_unverified_context()"],
    programs: ["import subprocess", "from subprocess import run", "os.system('ls')",
               "asyncio.create_subprocess_exec('ls')", "asyncio.create_subprocess_exec('ls', env=os.environ)",
               "asyncio.create_subprocess_exec('ls', env={**secrets})", "asyncio.create_subprocess_exec('ls', **{})",
               "from concurrent.futures import ProcessPoolExecutor"],
    leaky: ["given == signature", "made.hexdigest() == header", "signature in known", "secret.reveal() != other"],
}  # fmt: skip


@pytest.mark.parametrize("rule, twin", [(rule, twin) for rule, twins in TWINS.items() for twin in twins])
def test_a_twin_that_breaks_the_rule_is_caught(rule: object, twin: str) -> None:
    assert callable(rule)
    assert list(rule(ast.parse(twin))) == [1]


def patching(text: str) -> list[str]:
    """Return the lines of a test that put something else in the place of a name; how much a logger says is none."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if _PATCHING.search(line) and "logging.getLogger(" not in line]


def test_tests_patch_nothing() -> None:
    """What a test changes goes in by a door that anybody may use: an argument, a subclass, a stand-in on a socket."""
    paths = [path for path in sorted((ROOT / "tests").rglob("*.py")) if path != Path(__file__)]
    assert len(paths) > 300
    assert [(path.name, line) for path in paths for line in patching(path.read_text(encoding="utf-8"))] == []
    twins = [
        "monkeypatch.setattr(taking, 'LOOK', 2)",
        'with patch("jobs.build.now"):',
        "with mock.patch.object(jobs, 'x'):",
    ]
    assert [line for twin in twins for line in patching(twin)] == twins


def test_whoever_gives_up_is_heard() -> None:
    """`asyncio.wait_for` takes no notice of it where an answer comes at that very moment; `asyncio.timeout` does."""
    modules = [path for path in _modules() if "cli" not in path.parts]
    assert [path.name for path in modules if "asyncio.wait_for(" in path.read_text(encoding="utf-8")] == []


def test_the_programs_that_are_started_have_an_empty_environment() -> None:
    """The child that calculates metrics, and the processes of a demo of several."""
    texts = {path: path.read_text(encoding="utf-8") for path in _modules()}
    found = [path.relative_to(ROOT).as_posix() for path, text in texts.items() if "create_subprocess_exec" in text
             for node in ast.walk(ast.parse(text)) if _is_bare(node)]  # fmt: skip
    assert sorted(found) == ["bot/cli/stories/several.py", "storage/warehouse/apart.py"]
