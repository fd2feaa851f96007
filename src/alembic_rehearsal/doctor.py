"""What the tool finds on this machine, and what a dump would get here."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

from alembic_rehearsal import blueprint, dump, landlock, postgres, project, sandbox, workdir
from alembic_rehearsal.errors import RehearsalError
from alembic_rehearsal.model import DumpInfo, Offer, Options

# What schemas ask for most; whether a server has them decides whether it can be used.
_WANTED = ("citext", "hstore", "pg_trgm", "pgcrypto", "postgis", "unaccent", "uuid-ossp", "vector")


def examine(options: Options, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of the report: servers, guard, project, what the dump of *options* would get, render.yaml."""
    offers, reasons = postgres.offers()
    yield "PostgreSQL"
    for offer in offers:
        yield f"  {_offer(offer)}"
        yield f"      {_extensions(offer)}"
    for provider, reason in sorted(reasons.items()):
        yield f"  {provider}: none: {reason}"
    yield ""
    yield "Kernel guard"
    yield f"  {_guard()}"
    yield ""
    yield "Project"
    yield from _project(options, environ)
    info = None
    if options.dump:
        yield ""
        yield "Dump"
        info = yield from _dump(options)
    path = blueprint.find(Path(options.directory).absolute())
    if path is not None:
        yield ""
        yield f"Render ({path.name})"
        yield from _render(path, info)


def _offer(offer: Offer) -> str:
    icu = "" if offer.icu else ", without ICU"
    return f"{offer.provider}: PostgreSQL {offer.version or offer.major}{icu}, {offer.location}"


def _extensions(offer: Offer) -> str:
    if offer.extensions is None:
        return "extensions: known once it runs"
    has = [f"{name} (in SQL)" if name in offer.completed else name for name in _WANTED if name in offer.extensions]
    lacks = [name for name in _WANTED if name not in offer.extensions]
    found = f"{len(offer.extensions)} extensions, with {', '.join(has) or 'none'} of the usual ones"
    return f"{found}; without {', '.join(lacks)}" if lacks else found


def _guard() -> str:
    found = sandbox.available(sandbox.Fence(()))
    tcp = "on" if sandbox.TCP in found else f"off, Landlock ABI {landlock.abi()} and 4 is needed (Linux 6.7)"
    unix = "on" if sandbox.UNIX in found else "off, seccomp with user notification is needed (Linux 5.5)"
    return f"TCP: {tcp}; PostgreSQL's Unix sockets: {unix}"


def _project(options: Options, environ: Mapping[str, str]) -> Iterator[str]:
    try:
        found = project.find(options, environ)
    except RehearsalError as error:
        yield f"  {error}"
        yield from (f"  {line}" for line in error.fix.splitlines())
        return
    yield f"  interpreter: {found.python} ({found.found_by})"
    yield f"  command: {project.readable(found.argv)}"
    if found.platform:
        yield f"  platform: {found.platform}"


def _render(path: Path, info: DumpInfo | None) -> Iterator[str]:
    try:
        found = blueprint.read(path)
    except ValueError as error:
        yield f"  {error}"
        return
    yield from (f"  {line}" for line in blueprint.lines(found, (info and info.server_version) or ""))


def _dump(options: Options) -> Generator[str, None, DumpInfo | None]:
    with workdir.run_directory() as run:
        try:
            info = dump.inspect(Path(options.dump), workdir=run)
        except RehearsalError as error:
            yield f"  {error}"
            return None
    yield f"  {_described(info)}"
    try:
        offer, warnings = postgres.choose(info.need, provider=options.postgres, image=options.postgres_image or None)
    except RehearsalError as error:
        yield f"  would get no server: {error}"
        yield from (f"  {line}" for line in error.fix.splitlines())
        return info
    yield f"  would get {_offer(offer)}"
    yield from (f"  warning: {warning}" for warning in warnings)
    return info


def _described(info: DumpInfo) -> str:
    wrapping = "".join(f"{name} of " for name in info.wrapping)
    needs = ", ".join(sorted(info.need.extensions)) or "no extension"
    return (
        f"{info.path}: {wrapping}{info.form}, from PostgreSQL {info.server_version or '?'} by pg_dump "
        f"{info.dumped_by or '?'}, needs {needs}{' and ICU' if info.need.icu else ''}"
    )
