"""The laws of the house: who imports whom, what is registered, what the probe may use."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import alembic_rehearsal
from alembic_rehearsal import causes, checks, postgres, remedies, report

ROOT = Path(alembic_rehearsal.__file__).parent
STAGES = ("checks", "dump", "postgres", "report", "snapshot")
# What any room may import: records, errors, and the rooms that start processes and connections.
COMMON = {
    "catalog",
    "connect",
    "grades",
    "lineage",
    "masking",
    "ports",
    "programs",
    "cache",
    "errors",
    "model",
    "proc",
    "sandbox",
    "sqlstate",
    "versiontables",
    "workdir",
    "__version__",
}


STARTERS = re.compile(r"subprocess\.\w+|os\.(exec|spawn|posix_spawn|system|popen|fork)\w*")


def modules(folder: str) -> Iterator[Path]:
    yield from (path for path in sorted((ROOT / folder).rglob("*.py")) if "probe" not in path.parts)


def imported(path: Path) -> set[str]:
    """Return the rooms of the package that *path* imports, by the first name after the package's."""
    rooms: set[str] = set()
    tree = ast.parse(path.read_text())
    # What is imported for its types alone is a record of another room's, as those of the model are.
    typed = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    tree.body = [node for node in tree.body if node not in typed]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "alembic_rehearsal":
            parts = node.module.split(".")
            rooms |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
    return rooms


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_imports_no_other_stage(stage: str) -> None:
    """Data goes one way, through the records: a stage knows itself and the common rooms only."""
    # A reporter writes the command as one would type it.
    allowed = COMMON | {stage} | ({"project"} if stage == "report" else set())

    assert {
        str(path.relative_to(ROOT)): imported(path) - allowed for path in modules(stage) if imported(path) - allowed
    } == {}


def test_only_the_console_prints() -> None:
    """Every other room returns what is to be said."""
    printing = [
        str(path.relative_to(ROOT))
        for path in modules(".")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "click.echo", "sys.stdout.write")
    ]

    assert set(printing) == {"console.py"}


def test_only_proc_starts_processes() -> None:
    """Whoever wants to know what this tool runs reads one file."""
    starting = {
        str(path.relative_to(ROOT))
        for path in modules(".")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and STARTERS.fullmatch(ast.unparse(node.func))
    }

    assert starting == {"proc.py"}


def test_every_check_is_registered() -> None:
    """A file in checks/ that isn't in CHECKS would never be asked."""
    files = {path.stem for path in modules("checks") if not path.stem.startswith("_")}

    assert {check.__name__.rpartition(".")[2] for check in checks.CHECKS} == files  # type: ignore[attr-defined]


def test_every_check_is_called_as_its_file() -> None:
    """The id of a check and its file are the same word."""
    for check in checks.CHECKS:
        assert check.__name__.rpartition(".")[2].replace("_", "-") == check.ID  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("folder", "registry", "others"),
    [("causes", causes.CAUSES, set()), ("remedies", remedies.REMEDIES, {"source", "trial"})],
)
def test_every_cause_and_every_remedy_is_registered_under_its_name(
    folder: str, registry: tuple[causes.Diagnosis | remedies.Proposer, ...], others: set[str]
) -> None:
    """A file that isn't registered would never be asked; its id is the file's name."""
    files = {path.stem for path in modules(folder) if not path.stem.startswith("_")} - others

    assert {each.ID.replace("-", "_") for each in registry} == files


def test_every_reporter_is_registered() -> None:
    """A file in report/ is a format, but for what they share."""
    files = {path.stem for path in modules("report") if not path.stem.startswith("_")} - {"look"}

    assert set(report.FORMATS) == files
    assert all(callable(report.reporter(name)) for name in files)


def test_every_module_says_why_it_exists() -> None:
    """Each file begins with a docstring."""
    without = [
        str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py") if not ast.get_docstring(ast.parse(path.read_text()))
    ]

    assert without == []


def test_the_probe_is_python_3_8_and_imports_nothing_but_the_standard_library() -> None:
    """It is loaded into interpreters that this project knows nothing about."""
    for path in sorted((ROOT / "probe").rglob("*.py")):
        tree = ast.parse(path.read_text(), feature_version=(3, 8))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                assert not node.module.startswith("alembic_rehearsal"), path


def test_providers_are_registered_under_their_names() -> None:
    """The name that --postgres takes is the module's own."""
    for name, provider in postgres.PROVIDERS.items():
        assert name == provider.NAME
