"""What a render.yaml says about the deploys of a project, and what of it works against them.

Source: https://render.com/docs/blueprint-spec, https://render.com/docs/deploys
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_NAMES = ("render.yaml", "render.yml")
_COMMANDS = ("preDeployCommand", "startCommand", "dockerCommand", "buildCommand")
_START = re.compile(r"^\s*(?:CMD|ENTRYPOINT)\s+(.*)", re.MULTILINE)
# Words of one command, also as JSON and Python write them; options, each with a value or without, may be between.
_NEXT = r"""(?:[ \t"',]|(?<=[\\,])\r?\n|\\(?=\r?\n))+"""
_OPTIONS = rf"""(?:{_NEXT}-[^\s"'&|;]*(?:{_NEXT}[^-\s"'&|;][^\s"'&|;]*)?)*"""
_MIGRATES = re.compile(
    rf"(?<![\w.-])(?:alembic|flask{_OPTIONS}{_NEXT}db){_OPTIONS}{_NEXT}upgrade(?![\w-])"
    r"|\bcommand\.upgrade\(|\balembic\.config\.main\([^)]*\bupgrade\b"
)
_COMMENT = re.compile(r"^\s*#.*", re.MULTILINE)


@dataclasses.dataclass(frozen=True, slots=True)
class Service:
    """One service.

    Attributes:
        trigger: "commit", "checksPass", "off"; "" when the file says nothing.
        migrations: field -> command, of those that upgrade the database, themselves or in a script that they name.
        python: what PYTHON_VERSION is set to.
        urls: variables that hold the address of a database.
        branch: that is deployed, "" for the repository's default.
    """

    name: str
    trigger: str
    migrations: dict[str, str]
    python: str
    urls: tuple[str, ...]
    branch: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Blueprint:
    """One render.yaml.

    Attributes:
        path: of the file.
        databases: name -> PostgreSQL major version, "" when the file says none.
    """

    path: Path
    services: tuple[Service, ...]
    databases: dict[str, str]


def find(root: Path) -> Path | None:
    """Return the render.yaml of the project at *root*: in its directory, or further up in its repository."""
    for folder in (root, *root.parents):
        for name in _NAMES:
            if (folder / name).is_file():
                return folder / name
        if (folder / ".git").exists():
            return None
    return None


def read(path: Path) -> Blueprint:
    """Return what the file says.

    Raises:
        ValueError: it is no YAML, or no map.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path} can't be read: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} is no map")
    services = [
        _service(each, path.parent)
        for each in _each(content, "services")
        if each.get("type") not in ("redis", "keyvalue")
    ]
    databases = {
        str(each.get("name", "?")): str(each.get("postgresMajorVersion") or "") for each in _each(content, "databases")
    }
    return Blueprint(path, tuple(services), databases)


def _each(content: Any, key: str) -> Iterator[dict[str, Any]]:
    """Yield the maps in the lists under *key*, those of environments of projects too."""
    if isinstance(content, dict):
        for name, value in content.items():
            if name == key and isinstance(value, list):
                yield from (each for each in value if isinstance(each, dict))
            elif name in ("projects", "environments"):
                yield from _each(value, key)
    elif isinstance(content, list):
        for each in content:
            yield from _each(each, key)


def _service(content: dict[str, Any], repository: Path) -> Service:
    folder = repository / str(content.get("rootDir") or ".")
    commands = {name: str(content[name]) for name in _COMMANDS if content.get(name)}
    if content.get("runtime", content.get("env")) == "docker" and "dockerCommand" not in commands:
        dockerfile = folder / str(content.get("dockerfilePath") or "Dockerfile")
        commands["Dockerfile"] = " ".join(_START.findall(_text(dockerfile)))
    variables = list(_each(content, "envVars"))
    # YAML 1.1 reads `off` as false, and an older field says the same with a truth value.
    trigger = content.get("autoDeployTrigger", content.get("autoDeploy", ""))
    said = ("commit" if trigger else "off") if isinstance(trigger, bool) else str(trigger or "")
    return Service(
        name=str(content.get("name", "?")),
        trigger=said,
        migrations={name: text for name, text in commands.items() if _migrates(text, folder)},
        python=next((str(each.get("value", "")) for each in variables if each.get("key") == "PYTHON_VERSION"), ""),
        urls=tuple(str(each.get("key")) for each in variables if _is_url(each.get("fromDatabase"))),
        branch=str(content.get("branch") or ""),
    )


def _is_url(source: Any) -> bool:
    return isinstance(source, dict) and source.get("property") in ("connectionString", "connectionPoolString")


def upgrade_in(text: str) -> int | None:
    """Return where a command that upgrades the database ends in *text*, None if there is none."""
    found = _MIGRATES.search(text)
    return found.end() if found else None


def _migrates(command: str, folder: Path) -> bool:
    """Say whether *command* upgrades the database, or a script in *folder* does that it starts."""
    scripts = (folder / word.lstrip("/") for word in re.findall(r"[\w./-]+", command))
    return any(_MIGRATES.search(_COMMENT.sub("", text)) for text in (command, *map(_text, scripts)))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    except OSError:
        return ""


def lines(blueprint: Blueprint, production: str = "") -> Iterator[str]:
    """Yield what there is to say; *production* is the server's version as a dump says it, "" without one."""
    migrating = [each for each in blueprint.services if each.migrations]
    for service in blueprint.services:
        if service in migrating or len(blueprint.services) == 1 or not migrating:
            yield f"service {service.name}"
            yield from (f"  {line}" for line in _service_lines(service))
    if len(migrating) > 1:
        names = ", ".join(each.name for each in migrating)
        yield f"{names} each upgrade the database, at the same time in a deploy of both: let one of them do it"
    major = production.partition(".")[0]
    for name, declared in blueprint.databases.items():
        if not declared:
            yield f"database {name}: no postgresMajorVersion, so it has what was the newest when it was made"
        elif major and major != declared:
            yield f"database {name}: PostgreSQL {declared}, and the dump is from {production}: another database's?"
        else:
            yield f"database {name}: PostgreSQL {declared}"


def _service_lines(service: Service) -> Iterator[str]:
    if service.trigger == "checksPass":
        yield "autoDeployTrigger: checksPass: a commit whose checks fail is not deployed"
    elif service.trigger == "off":
        yield "autoDeployTrigger: off: what starts the deploy has to wait for the rehearsal"
    else:
        said = f"autoDeployTrigger: {service.trigger}" if service.trigger else "no autoDeployTrigger"
        yield f"{said}: a commit is deployed whatever its checks say; write autoDeployTrigger: checksPass"
    for field, command in service.migrations.items():
        yield f"{field}: {command}"
        yield f"  {_JUDGED[field]}"
    if not service.migrations:
        yield "no command that runs alembic upgrade: a program of the application's own may do it (--command)"


_RACE = (
    "a race: every new instance runs it, several at once, and Alembic takes no lock; the loser may end with "
    "DuplicateTable or a unique violation. Move it to preDeployCommand, or hold pg_advisory_lock in env.py"
)
_JUDGED = {
    "preDeployCommand": "good: once a deploy, before the new version starts; a failure keeps the old one",
    "startCommand": _RACE,
    "dockerCommand": _RACE,
    "Dockerfile": _RACE,
    "buildCommand": "too early: a build that fails afterwards has upgraded the database. Move it to preDeployCommand",
}
