"""Taking a project through its history, and comparing what is said of each upgrade."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

from . import alterations, environments, runs
from .alterations import Alteration
from .environments import Graph
from .history import History
from .production import Server
from .runs import Said, Workshop

_CLEAN = Alteration("none", "", ())
Rehearse: TypeAlias = "Callable[[Workshop, Path, Alteration, Said], Said]"
"""Takes the project, a dump, what was altered in it and what the bare upgrade says."""

# What the tool has to say of production when an alteration is what ends the upgrade.
_CAUSES = {"present": "made-outside", "missing": "missing-in-production", "back": "version-behind"}


class HistoryError(Exception):
    """A project can't be taken where it should be."""


@dataclass(frozen=True, slots=True)
class Case:
    """One upgrade and what was said of it.

    Attributes:
        at: production's revision.
        index: of that revision in the project's history, from 1.
        clean: what the bare upgrade says of the same production unaltered.
        pending: how many revisions come after it.
    """

    project: str
    at: str
    index: int
    pending: int
    alteration: str
    what: str
    bare: Said
    tool: Said
    clean: Said

    @property
    def cause_wanted(self) -> str:
        """Return the cause that has to be named, "" where the upgrade passes or the clean history fails alike."""
        if self.alteration == "none" or self.bare.verdict != "blocked" or self.bare.place() == self.clean.place():
            return ""
        if self.tool.cause == "version-behind" and self.tool.equals:
            # Who does by hand just what the revision does leaves that revision's schema.
            return self.tool.cause
        return _CAUSES[self.alteration.split()[-1]]

    @property
    def agrees(self) -> bool:
        """Say whether verdict, revision, SQLSTATE, file and line are the same."""
        return self.bare.place() == self.tool.place()

    def plain(self) -> dict[str, Any]:
        """Return it in JSON's types."""
        wanted = self.cause_wanted
        return {**asdict(self), "agrees": self.agrees, "cause_wanted": wanted}


def walk(
    history: History,
    envs: Path,
    server: Server,
    *,
    revisions: tuple[str, ...] = (),
    kinds: tuple[str, ...] = (),
    most: int = 4,
    rehearse: Rehearse = lambda shop, dump, _altered, _bare: runs.rehearsed(shop, dump)[0],
    tell: Callable[[Case], None],
) -> Iterator[Case]:
    """Yield every case of a project.

    Args:
        history: the project.
        envs: where its virtual environment is, or will be.
        server: that holds production.
        revisions: of those that the project names; empty for all.
        kinds: of alterations; empty for all.
        most: altered cases of one revision.
        rehearse: runs the tool on the dump of a production.
        tell: hears of each case as it comes.

    Raises:
        HistoryError: the project's own commands don't get production to a revision.
    """
    python = environments.python_of(history, envs)
    known = environments.graph(history, python)
    with tempfile.TemporaryDirectory(prefix="histories-") as place:
        shop = Workshop(history, python, known, Path(place, "project"), Path(place, "home"))
        for at in _stations(shop, server, revisions):
            walker = _Station(shop, server, at, Path(place, "production.sql"), rehearse)
            for case in walker.cases(kinds, most):
                tell(case)
                yield case


def _stations(shop: Workshop, server: Server, revisions: tuple[str, ...]) -> Iterator[str]:
    """Take one production from an empty database through the history, a process a step."""
    name = f"{shop.history.name}_production"
    server.create(name)
    address = server.address(name)
    if shop.history.start:
        _must(shop, shop.history.start, address, "")
    wanted = [at for at in shop.history.revisions if not revisions or at in revisions]
    for at in shop.history.revisions[: shop.history.revisions.index(wanted[-1]) + 1]:
        if shop.run(shop.history.step, address, at).returncode:
            # The history itself is broken at this step. In one process from an empty database it may still pass:
            # SQLAlchemy remembers the types that it made.
            _from_scratch(shop, server, name, at)
        if server.at(name) != {at}:
            raise HistoryError(f"{shop.history.name}: production is at {sorted(server.at(name))}, not at {at}")
        if at in wanted:
            yield at


def _from_scratch(shop: Workshop, server: Server, name: str, revision: str) -> None:
    server.create(name)
    if shop.history.start:
        _must(shop, shop.history.start, server.address(name), "")
    _must(shop, shop.history.step, server.address(name), revision)


def _must(shop: Workshop, argv: tuple[str, ...], address: str, revision: str) -> None:
    done = shop.run(argv, address, revision)
    if done.returncode:
        raise HistoryError(
            f"{shop.history.name}: {argv} {revision} ended with {done.returncode}\n{done.stdout[-3000:]}"
        )


@dataclass(frozen=True, slots=True)
class _Station:
    """One revision that production is dumped at."""

    shop: Workshop
    server: Server
    at: str
    dump: Path
    rehearse: Rehearse

    def cases(self, kinds: tuple[str, ...], most: int) -> Iterator[Case]:
        """Yield the clean case, then the altered ones that it gives."""
        production, case = f"{self.shop.history.name}_production", f"{self.shop.history.name}_case"
        self.server.create(case, template=production)
        before = alterations.catalog(self.server, case)
        clean = self._case(case, _CLEAN)
        if clean.bare.verdict != "pass":
            _from_scratch(self.shop, self.server, case, self.shop.graph.heads[0])
        after = alterations.catalog(self.server, case)
        yield clean
        said = clean.bare
        down = self.shop.graph.down[self.at]
        proposed = [
            each
            for each in alterations.propose(before, after, at=self.at, down=down)
            if not kinds or each.kind in kinds
        ]
        # Another kind comes first at each revision, so that a few of each give all kinds in the end.
        turn = 3 * self.shop.history.revisions.index(self.at) % max(len(proposed), 1)
        for alteration in [*proposed[turn:], *proposed[:turn]][:most]:
            self.server.create(case, template=production)
            self.server.execute(case, alteration.statements)
            yield self._case(case, alteration, said)

    def _case(self, name: str, alteration: Alteration, clean: Said | None = None) -> Case:
        """Dump production, upgrade it by its own command, rehearse the dump."""
        self.server.dump(name, self.dump, rows=self.shop.history.rows)
        mark = self.server.cluster.log_mark()
        bare = runs.bare(self.shop, self.server.address(name))
        bare = runs.with_log(bare, self.server.log(name, mark))
        heads = frozenset(self.shop.graph.heads)
        if bare.verdict == "pass" and self.server.at(name) != heads:
            bare = Said(f"at {', '.join(sorted(self.server.at(name)))}", output=bare.output)
        tool = self.rehearse(self.shop, self.dump, alteration, bare)
        return Case(
            project=self.shop.history.name,
            at=self.at,
            index=self.shop.graph.order.index(self.at) + 1,
            pending=_pending(self.shop.graph, self.at),
            alteration=alteration.kind,
            what=alteration.what,
            bare=bare,
            tool=tool,
            clean=clean or bare,
        )


def _pending(graph: Graph, at: str) -> int:
    done: set[str] = set()
    waiting = [at]
    while waiting:
        revision = waiting.pop()
        if revision not in done:
            done.add(revision)
            waiting.extend(graph.down[revision])
    return len(graph.order) - len(done)
