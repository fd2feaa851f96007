"""Writes docs/classes.md: a real project's history for each class of incidents that have a cause to be named.

`python -m scripts.classes --envs DIR [CLASS]...`: the environments are those of `scripts.histories`, the results are
kept beside them, so that one class can be run again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scripts import without_folders
from scripts.histories import HISTORIES, environments, production, runs, walk

PAGE = Path(__file__).resolve().parents[1] / "docs" / "classes.md"
_HEAD = """\
# Classes of incidents

Made by `python -m scripts.classes --envs DIR` in the repository's root; don't edit.

Each class of failures that has a cause in production's schema, reproduced with a project that nobody here wrote: it is
taken through its own history to a revision on a real PostgreSQL, production is altered there, dumped, and rehearsed.
[causes.md](causes.md) says what the causes and the remedies are, [histories.md](histories.md) has many more upgrades,
compared with the projects' own command.

"Passed" is what passed its trial: on a copy of production's schema and on an empty database. Where nothing did, the
report still has failure, cause and comparison, and the reason for each remedy.
"""
_TAIL = """
In F `create_all()` has made every missing table of today's models, and no column of the old ones. No revision leaves a
schema like that, and no patch does: a later revision works on a column of a table that today's models make without it.
"""
_MODELS = (
    "import sqlalchemy, mlflow.store.tracking.dbmodels.models, mlflow.store.model_registry.dbmodels.models; "
    "from mlflow.store.db.base_sql_model import Base; "
    "Base.metadata.create_all(sqlalchemy.create_engine('postgresql+psycopg2://$address'))"
)


@dataclass(frozen=True)
class Incident:
    """One class, and how it is brought about.

    Attributes:
        done: what became of production, in words.
        statements: SQL that does it, as the owner.
        argv: a program of the project's that does it, else ().
    """

    id: str
    title: str
    project: str
    at: str
    done: str
    statements: tuple[str, ...] = ()
    argv: tuple[str, ...] = ()


INCIDENTS = (
    Incident(
        "A",
        "a table is there already",
        "mlflow",
        "867495a8f9d4",
        "somebody made `webhooks` by hand, with two columns",
        ("CREATE TABLE webhooks (webhook_id varchar(256) PRIMARY KEY, name text)",),
    ),
    Incident(
        "B",
        "a column is there already",
        "optuna",
        "v0.9.0.a",
        "somebody added `trials.number` by hand",
        ("ALTER TABLE trials ADD COLUMN number integer",),
    ),
    Incident("C", "an enum type is made twice", "optuna", "v1.3.0.a", "nothing: the history itself does it"),
    Incident(
        "D",
        "an index or a constraint is there already",
        "optuna",
        "v3.0.0.d",
        "somebody made an index `trials_study_id_key` on another column",
        ("CREATE INDEX trials_study_id_key ON trials (number)",),
    ),
    Incident(
        "E",
        "something is missing",
        "optuna",
        "v3.0.0.a",
        "somebody renamed `trial_intermediate_values`",
        ("ALTER TABLE trial_intermediate_values RENAME TO trial_intermediate_values_old",),
    ),
    Incident(
        "F",
        "live models make the schema",
        "mlflow",
        "867495a8f9d4",
        "a program called `create_all()` with today's models, which make what later revisions make",
        argv=("python", "-c", _MODELS),
    ),
    Incident(
        "N",
        "half-applied",
        "prefect",
        "bfe653bbf62e",
        "the deploy of cef24af2ec34 was interrupted behind its column, which an autocommit block had committed",
        ("ALTER TABLE block_document ADD COLUMN block_type_name varchar",),
    ),
)


def reproduce(incident: Incident, envs: Path, server: production.Server) -> dict[str, Any]:
    """Bring *incident* about, rehearse it with its remedies, and return what the page says of it, in JSON's types."""
    history = replace(HISTORIES[incident.project], revisions=(incident.at,))
    python = environments.python_of(history, envs)
    name = f"{incident.project}_class"
    with tempfile.TemporaryDirectory(prefix="classes-") as place:
        graph = environments.graph(history, python)
        shop = runs.Workshop(history, python, graph, Path(place, "project"), Path(place, "home"))
        server.create(name)
        address = server.address(name)
        for argv in filter(None, (history.start, history.step, incident.argv)):
            done = shop.run(argv, address, incident.at)
            if done.returncode:
                raise walk.HistoryError(f"{incident.project}: {argv} ended with {done.returncode}\n{done.stdout}")
        server.execute(name, incident.statements)
        server.dump(name, Path(place, "production.sql"), rows=history.rows)
        said, report = runs.rehearsed(shop, Path(place, "production.sql"), "--remedies")
    errors = [each for each in report.get("findings", ()) if each["severity"] == "error"]
    cause = (errors[0]["cause"] if errors else None) or {}
    return {
        "version": environments.versions(history, python)[history.requirements[0]],
        "said": " ".join(filter(None, (said.verdict, said.sqlstate, said.revision, f"{said.file}:{said.line}"))),
        "message": said.output,
        "cause": cause.get("id", ""),
        "why": cause.get("message", ""),
        "comparison": list(cause.get("comparison", ()))[:1],
        "remedies": [{"kind": each["kind"], **each["trial"]} for finding in errors[:1] for each in finding["remedies"]],
    }


def page(results: Mapping[str, Any]) -> str:
    """Return docs/classes.md from what was found of each class."""
    lines = ["| class | project | production | the tool says | cause | tried |", "|---|---|---|---|---|---|"]
    lines += [row(each, results[each.id]) for each in INCIDENTS if each.id in results]
    return "\n".join([_HEAD, *lines, _TAIL])


def row(incident: Incident, found: Mapping[str, Any]) -> str:
    """Return the line of *incident*."""
    cells = (
        f"{incident.id}: {incident.title}",
        f"{incident.project} {found['version']} at {incident.at}",
        incident.done,
        found["said"],
        f"`{found['cause']}`: {'. '.join((found['why'], *found['comparison']))}" if found["cause"] else "none",
        "; ".join(map(_tried, found["remedies"])) or "nothing",
    )
    plain = (without_folders(cell).replace("|", "\\|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(plain)} |"


def _tried(remedy: Mapping[str, Any]) -> str:
    reason = f" ({remedy['reason']})" if remedy.get("reason") else ""
    return f"{remedy['kind']} {remedy['outcome']}{reason}"


def main() -> None:
    """Run what the arguments name, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m scripts.classes", description=__doc__)
    parser.add_argument("--envs", required=True, type=Path, help="directory of the environments and results")
    parser.add_argument("--postgres", type=int, default=15, help="major version of production's server")
    parser.add_argument("only", nargs="*", metavar="CLASS", help="only these; the others' results stay")
    asked = parser.parse_args()
    file = asked.envs / "classes.json"
    results: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    wanted = [each for each in INCIDENTS if each.id in asked.only or (not asked.only and each.id not in results)]
    with production.server(asked.postgres) as server:
        for incident in wanted:
            results[incident.id] = reproduce(incident, asked.envs.resolve(), server)
            file.write_text(json.dumps(results, indent=1), encoding="utf-8")
    PAGE.write_text(page(results), encoding="utf-8")


if __name__ == "__main__":
    main()
