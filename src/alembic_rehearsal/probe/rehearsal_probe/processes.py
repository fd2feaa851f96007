"""Keep child processes inside the rehearsal: what a program is given leads nowhere else.

Python children run the probe again; a client program of PostgreSQL finds the throw-away server in its environment
and in the connection strings among its arguments. The kernel holds what gets round that.
"""

from __future__ import annotations

import os

from . import gate, report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_OWN = ("ALEMBIC_REHEARSAL_DIR", "PYTHONPATH")
_CLIENTS = frozenset(
    "psql pg_dump pg_dumpall pg_restore pg_isready pgbench createdb dropdb createuser dropuser vacuumdb reindexdb "
    "clusterdb pg_amcheck".split()
)
_inherited: dict[str, str] = {}


def remember() -> None:
    """Keep what a child needs for the probe to be loaded in it, before the project can take it out of os.environ."""
    for name in _OWN:
        _inherited[name] = os.environ.get(name, "")


def watch(subprocess: Any) -> None:
    """Wrap the constructor of `subprocess.Popen`, which every other function there and asyncio's go through."""
    from functools import wraps

    cls = subprocess.Popen
    original = cls.__init__
    if hasattr(original, "_alembic_rehearsal"):
        return
    position = 9  # of env among the arguments after args

    @wraps(original)
    def __init__(self: Any, args: Any, *values: Any, **options: Any) -> None:
        if len(values) > position:
            options["env"] = values[position]
            values, rest = values[:position], values[position + 1 :]
            options.update(zip(("universal_newlines", "startupinfo", "creationflags"), rest))
        if _is_client(args):
            gate.endpoint()
        options["env"] = environment(options.get("env"))
        report.emit("child")
        original(self, arguments(args), *values, **options)

    __init__._alembic_rehearsal = True  # type: ignore[attr-defined]
    cls.__init__ = __init__


def watch_exec() -> None:
    """Wrap what starts a program or puts one in this process's place; what is not named here goes through these."""
    for name, line, env in (
        ("system", 0, None),
        ("execv", 1, None),
        ("execve", 1, 2),
        ("posix_spawn", 1, 2),
        ("posix_spawnp", 1, 2),
    ):
        original = getattr(os, name, None)
        if original is not None:
            setattr(os, name, _safe(original, line, env))


def _safe(original: Any, line: int, env: int | None) -> Any:
    """Wrap *original*, whose arguments number *line* and *env* are the command line and the environment."""

    def call(*values: Any, **options: Any) -> Any:
        changed = list(values)
        if len(values) > line:
            if _is_client(values[line]):
                gate.endpoint()
            changed[line] = arguments(values[line])
        if env is not None and len(values) > env:
            changed[env] = environment(values[env])
        if "env" in options:
            options["env"] = environment(options["env"])
        report.emit("child")
        return original(*changed, **options)

    call.__name__, call.__doc__ = original.__name__, original.__doc__
    return call


def environment(given: Mapping[Any, Any] | None) -> Mapping[Any, Any] | None:
    """Return the environment *given* for a child, made safe; None, which hands on os.environ, needs nothing."""
    if given is None and _complete(os.environ):
        return None
    from . import environ

    chosen = os.environ if given is None else given
    text = {_text(k): _text(v) for k, v in chosen.items()}
    for name, value in _inherited.items():
        if name == "PYTHONPATH":
            value = _with_probe(text.get(name, ""), value)
        text[name] = value
    point = gate.known()
    return text if point is None else environ.rewritten(text, point, gate.directory())


def arguments(args: Any) -> Any:
    """Return the command line with every connection string in it leading to the throw-away server."""
    from . import dsn

    if isinstance(args, (str, bytes, os.PathLike)):
        return _there(args) if isinstance(args, str) and dsn.has_url(args) else args
    parts = list(args)
    if _is_client(args):
        return _client(parts)
    found = [isinstance(p, str) and dsn.has_url(p) for p in parts]
    return [_there(p) if f else p for p, f in zip(parts, found)] if any(found) else args


def _client(parts: list[Any]) -> list[Any]:
    """Replace where the options of a client program lead.

    Source: https://www.postgresql.org/docs/current/app-psql.html, Usage, Connecting to a Database
    """
    point = gate.endpoint()
    values = {}
    for letter, word, key in (("h", "host", "host"), ("p", "port", "port"), ("U", "username", "user")):
        values["-" + letter] = values["--" + word] = str(point[key])
    result: list[Any] = []
    for part in parts:
        text = os.fsdecode(part) if isinstance(part, (str, bytes, os.PathLike)) else ""
        flag, equals, _ = text.partition("=")
        if result and result[-1] in values:
            result.append(values[result[-1]])
        elif equals and flag in values:
            result.append(flag + "=" + values[flag])
        elif text[:2] in values and len(text) > 2 and text[1] != "-":
            result.append(text[:2] + values[text[:2]])
        else:
            result.append(_there(text) if text and result else part)
    return result


def _there(text: str) -> str:
    from . import dsn

    return dsn.rewritten(text, gate.endpoint())


def _is_client(args: Any) -> bool:
    if isinstance(args, (str, bytes, os.PathLike)):
        words = os.fsdecode(args).replace(";", " ").replace("|", " ").replace("&", " ").split()
        return any(os.path.basename(w) in _CLIENTS for w in words)
    parts = [os.path.basename(os.fsdecode(p)) for p in args if isinstance(p, (str, bytes, os.PathLike))]
    # A wrapper (env, timeout, sh -c) may stand before the program.
    return any(p in _CLIENTS for p in parts) or any(_is_client(p) for p in parts if " " in p)


def _complete(environ: Mapping[str, str]) -> bool:
    return all(_inherited.get(n, "") == environ.get(n, "") for n in _OWN)


def _with_probe(path: str, inherited: str) -> str:
    """Return PYTHONPATH with the probe first."""
    probe = inherited.split(os.pathsep)[0]
    rest = [p for p in path.split(os.pathsep) if p and p != probe]
    return os.pathsep.join([probe, *rest])


def _text(value: Any) -> str:
    return os.fsdecode(value) if isinstance(value, (bytes, os.PathLike)) else str(value)
