"""Real histories: the light part of `python -m scripts.histories`, whose results are docs/histories.md."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from alembic_rehearsal.postgres import Cluster, databases

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts import whole
from scripts.histories import HISTORIES, alterations, runs, walk
from scripts.histories.environments import Graph
from scripts.histories.production import Server

_GRAPH = Graph(heads=("b2",), order=("a1", "b2"), down={"a1": (), "b2": ("a1",)}, by_file={"b2_add.py": "b2"})


@pytest.fixture
def server(cluster: Cluster) -> Iterator[Server]:
    found = Server(cluster)
    found.prepare()
    yield found
    for name in ("optuna_production", "optuna_case", "optuna_by_hand"):
        databases.drop(cluster, name)


@pytest.fixture
def environments(tmp_path: Path) -> Path:
    """This environment as optuna's own: it is among the tests' requirements."""
    (tmp_path / "optuna").symlink_to(sys.prefix)
    return tmp_path


def test_optuna_gets_the_verdicts_that_its_own_command_gives(server: Server, environments: Path) -> None:
    """Clean and altered, the tool names verdict, revision, SQLSTATE, file and line of the bare upgrade."""
    cases = list(
        walk.walk(
            HISTORIES["optuna"],
            environments,
            server,
            revisions=("v2.4.0.a",),
            kinds=("index present", "table missing", "stamped back"),
            tell=lambda _: None,
        )
    )

    assert [case.bare.place() for case in cases] == [case.tool.place() for case in cases]
    assert [case.tool.cause for case in cases] == [case.cause_wanted for case in cases]
    assert {(case.at, case.alteration): (case.bare.verdict, case.bare.sqlstate) for case in cases} == {
        ("v2.4.0.a", "none"): ("pass", ""),
        ("v2.4.0.a", "index present"): ("blocked", "42P07"),
        ("v2.4.0.a", "table missing"): ("blocked", "42P01"),
        ("v2.4.0.a", "stamped back"): ("blocked", "42703"),
    }


@pytest.mark.parametrize(
    "output",
    [
        (
            '  File "/p/versions/b2_add.py", line 7, in upgrade\n    f()\n'
            '  File "/p/versions/b2_add.py", line 21, in helper\n    x\n  File "/lib/base.py", line 9, in run\n'
        ),
        "│ /p/versions/b2_add.py:7 in upgrade  │\n│ /p/versions/b2_add.py:21 in helper │\n│ /lib/base.py:9 in run │",
    ],
)
def test_the_place_is_the_innermost_frame_in_a_revision(output: str) -> None:
    """Tracebacks by Python and by rich are both read."""
    assert runs.place_in(output, _GRAPH) == ("b2_add.py", 21)


def test_alterations_come_from_what_the_pending_revisions_do() -> None:
    """What is new is made before its time; what goes is taken away; the version row is set back."""
    before = {("table", "t", ""): "", ("column", "t", "id"): "integer", ("column", "t", "old"): "text"}
    after = {("table", "t", ""): "", ("column", "t", "id"): "integer", ("column", "t", "new"): "kind"}
    after |= {("enum", "kind", ""): "'a', 'b'", ("table", "u", ""): ""}

    found = alterations.propose(before, after, at="b2", down=("a1",))

    assert {each.kind: each.statements[0] for each in found} == {
        "table present": 'CREATE TABLE "u" (made_by_hand integer)',
        "column present": 'ALTER TABLE "t" ADD COLUMN "new" text',
        "enum present": "CREATE TYPE \"kind\" AS ENUM ('a', 'b')",
        "column missing": 'ALTER TABLE "t" DROP COLUMN "old" CASCADE',
        "table missing": 'ALTER TABLE "t" RENAME TO "t_by_hand"',
        "stamped back": "UPDATE alembic_version SET version_num = 'a1' WHERE version_num = 'b2'",
    }


def test_what_passed_its_trial_passes_when_it_is_carried_out_by_hand(server: Server, environments: Path) -> None:
    """Files changed in a copy of the package, on the dump that psql restores, by the project's own command."""
    look = whole.Look(server, "optuna")
    optuna, kinds = HISTORIES["optuna"], ("index present",)
    cases = list(
        walk.walk(
            optuna, environments, server, revisions=("v3.0.0.d",), kinds=kinds, rehearse=look, tell=lambda _: None
        )
    )

    assert [case.bare.place() for case in cases] == [case.tool.place() for case in cases]
    clean, altered = look.cases
    assert (clean["bare"], clean["tool"], clean["remedies"]) == ("pass", "pass", [])
    assert (altered["bare"], altered["tool"]) == ("blocked", "blocked")
    assert altered["remedies"] == [["reconcile", "passes, schema equal"]]
    page = whole.page({"optuna": {"v3.0.0.d": look.cases}})
    assert "| optuna | 1 | 0 | 0 | 0 |" in page
    assert "| optuna | v3.0.0.d | index present" in page
