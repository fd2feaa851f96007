"""What render.yaml says, and what `doctor` makes of it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from alembic_rehearsal import blueprint
from fix_projects import run_tool

ROOT = Path(__file__).parent.parent
UPGRADE = "alembic upgrade head"


def said(folder: Path, text: str, production: str = "") -> str:
    (folder / "render.yaml").write_text(text)
    return "\n".join(blueprint.lines(blueprint.read(folder / "render.yaml"), production))


def service(**fields: str) -> str:
    given = {"type": "web", "name": "shop", "runtime": "python", **fields}
    head, *rest = (f"{name}: {value}" for name, value in given.items())
    return "services:\n  - " + "\n    ".join((head, *rest)) + "\n"


def test_the_blueprint_of_the_docs_has_nothing_against_it(tmp_path: Path) -> None:
    """The checks decide, the upgrade is a pre-deploy command, the server is the dump's."""
    page = (ROOT / "docs" / "render.md").read_text()
    [text] = re.findall(r"<!-- blueprint: check -->\n\n```yaml\n(.*?)```", page, re.DOTALL)

    assert said(tmp_path, text, "17.4") == (
        "service shop\n"
        "  autoDeployTrigger: checksPass: a commit whose checks fail is not deployed\n"
        f"  preDeployCommand: {UPGRADE}\n"
        "    good: once a deploy, before the new version starts; a failure keeps the old one\n"
        "database shop-db: PostgreSQL 17"
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "no autoDeployTrigger: a commit is deployed whatever its checks say"),
        ({"autoDeployTrigger": "commit"}, "autoDeployTrigger: commit: a commit is deployed whatever"),
        ({"autoDeploy": "yes"}, "autoDeployTrigger: commit: a commit is deployed whatever"),
        ({"autoDeployTrigger": "off"}, "autoDeployTrigger: off: what starts the deploy has to wait"),
        ({"autoDeploy": "false"}, "autoDeployTrigger: off: what starts the deploy has to wait"),
    ],
)
def test_how_a_deploy_begins(tmp_path: Path, fields: dict[str, str], expected: str) -> None:
    """Bare `off` is false to YAML, and an older field is one of truth values."""
    assert expected in said(tmp_path, service(**fields))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"startCommand": f"{UPGRADE} && gunicorn app"}, "a race: every new instance runs it"),
        ({"startCommand": "flask db upgrade; gunicorn app"}, "a race: every new instance runs it"),
        ({"startCommand": "./bin/start.sh"}, "a race: every new instance runs it"),
        ({"dockerCommand": f"sh -c '{UPGRADE} && app'"}, "a race: every new instance runs it"),
        ({"runtime": "docker"}, 'Dockerfile: ["sh", "-c", "alembic upgrade head && app"]\n    a race'),
        ({"buildCommand": f"pip install . && {UPGRADE}"}, "too early"),
        ({"preDeployCommand": "python -m alembic -c db.ini upgrade heads"}, "good: once a deploy"),
        ({"startCommand": "gunicorn app", "buildCommand": "alembic-rehearsal run"}, "no command that runs alembic"),
    ],
)
def test_how_alembic_is_called(tmp_path: Path, fields: dict[str, str], expected: str) -> None:
    """In the command itself, in a script that it starts, or by the image."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "start.sh").write_text(f"#!/bin/sh\nset -e\n{UPGRADE}\nexec gunicorn app\n")
    (tmp_path / "Dockerfile").write_text('FROM python:3.13\nCMD ["sh", "-c", "alembic upgrade head && app"]\n')

    assert expected in said(tmp_path, service(**fields))


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("pip install alembic\npip install --upgrade pip", False),
        ("pip install alembic --upgrade pip", False),
        ("pip install flask && echo db\npip install -U upgrade-tool", False),
        ("cp -r alembic out\n./upgrade", False),
        ("# not here: alembic upgrade head\npip install .", False),
        ("alembic -c db.ini -x tenant=a --raiseerr \\\n  upgrade heads", True),
        ("flask --app shop db upgrade -d db", True),
        ("flask --debug db --directory=db upgrade", True),
        ('["/venv/bin/alembic", "-n", "users", "upgrade", "head"]', True),
        ("subprocess.run([\n  'alembic',\n  'upgrade',\n  'head'])", True),
        ("from alembic import command\n\ncommand.upgrade(config, 'head')", True),
        ("alembic.config.main(argv=['--raiseerr', 'upgrade', 'head'])", True),
    ],
)
def test_an_upgrade_is_one_command_and_not_two_words_of_a_script(tmp_path: Path, command: str, found: bool) -> None:
    """Who builds with `pip install alembic` and `pip install --upgrade pip` has not upgraded a database."""
    (tmp_path / "build.sh").write_text(command)

    assert ("buildCommand: ./build.sh" in said(tmp_path, service(buildCommand="./build.sh"))) == found


def test_two_services_that_migrate_are_one_too_many(tmp_path: Path) -> None:
    """A deploy of both runs both."""
    web = service(preDeployCommand=UPGRADE)
    worker = web.replace("services:\n", "").replace("shop", "worker")

    assert "shop, worker each upgrade the database" in said(tmp_path, web + worker)


def test_services_of_environments_are_found(tmp_path: Path) -> None:
    """A newer layout nests them; a cache is no service that migrates."""
    text = (
        "projects:\n  - name: p\n    environments:\n      - name: production\n        services:\n"
        "          - {type: keyvalue, name: cache}\n"
        f"          - {{type: web, name: shop, preDeployCommand: {UPGRADE}}}\n"
        "        databases:\n          - {name: db, postgresMajorVersion: 16}\n"
    )

    shown = said(tmp_path, text, "15.14 (Debian 15.14-1.pgdg13+1)")

    assert "service shop\n" in shown
    assert "cache" not in shown
    assert "database db: PostgreSQL 16, and the dump is from 15.14" in shown


def test_a_database_without_a_version_is_said_to_have_none(tmp_path: Path) -> None:
    """What the server is can't be known from the file then."""
    assert "database db: no postgresMajorVersion" in said(tmp_path, "databases:\n  - name: db\n")


@pytest.mark.parametrize(
    "text",
    [
        "- a\n",
        "a: [\n",
        "",
        "services: 1\n",
        "services: [1]\ndatabases: {a: b}\n",
        "services: [{envVars: 5, autoDeployTrigger: [a]}, {autoDeployTrigger: {a: b}}]\n",
    ],
)
def test_odd_files_are_told_and_never_a_crash(tmp_path: Path, text: str) -> None:
    """Somebody is in the middle of writing it."""
    (tmp_path / "render.yaml").write_text(text)
    (tmp_path / ".git").mkdir()

    done = run_tool("doctor", cwd=tmp_path)

    assert done.status == 0, done.stderr
    assert "Render (render.yaml)" in done.stdout


def test_doctor_shows_it_beside_the_dump(tmp_path: Path) -> None:
    """From the project's folder in its repository."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "render.yaml").write_text(
        service(startCommand=UPGRADE) + "databases:\n  - {name: db, postgresMajorVersion: '15'}\n"
    )
    shutil.copytree(ROOT / "examples" / "sso_sessions", tmp_path / "app")

    done = run_tool("doctor", "-d", "app", "--dump", "app/production.sql", cwd=tmp_path)

    assert done.status == 0, done.stderr
    assert "  platform: render\n" in done.stdout
    assert "\nRender (render.yaml)\n  service shop\n" in done.stdout
    assert "database db: PostgreSQL 15, and the dump is from 17." in done.stdout
