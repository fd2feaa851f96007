"""A deploy that dies half-way through a revision, and the next one: at each place where that can be, on a copy.

A place is a commit with which only a part of a revision is committed. The command is killed there, the way a deploy
dies; then it is started anew on what it has left, and has to end with what the undisturbed run has made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from psycopg2 import Error

from alembic_rehearsal import readback
from alembic_rehearsal.again import boundaries, commits, states
from alembic_rehearsal.again.boundaries import Boundary
from alembic_rehearsal.again.ground import Ground
from alembic_rehearsal.again.states import State
from alembic_rehearsal.checks import _blame
from alembic_rehearsal.errors import ServerError
from alembic_rehearsal.lab import Lab
from alembic_rehearsal.model import Cut, Cuts, Trace, VersionTable
from alembic_rehearsal.sqlstate import condition

MOST = 12
"""Places that are tried in one rehearsal: each takes two runs of the command."""

# What the names of the runs end with, the first time and the second.
_TRIES = ("", "_2")
_FOREIGN = "commits can be held on a server of the tool's own only, not on one that --postgres names by its URL"
# Kinds of errors that say nothing about what a first try has left.
_HINDERED = frozenset({"connection", "lock", "interrupted", "race", "resources", "system"})


def prepared(start: Ground, xid: int) -> Callable[[], Cuts | None] | None:
    """Return what lets deploys die and says what came of it; None where no revision is committed in parts.

    Args:
        start: the database that the true run left stands under production's name, alone of all runs so far.
        xid: of a transaction just before the true run.

    Raises:
        ServerError: the server refuses.
    """
    lab, trace = start.lab, start.trace
    if not lab.own:
        parted = boundaries.found(_commits_seen(trace), trace)
        return (lambda: Cuts(untried=(_why(parted, _FOREIGN),))) if parted else None
    times = commits.since(lab.admin, xid)
    if len(times) < 2:
        return None
    parted = boundaries.found(times, trace)
    # A command in an image runs on the server's machine.
    if lab.target.image is None and not commits.same_clock(lab.admin):
        return lambda: Cuts(untried=(_why(parted, "the server's clock is not this machine's"),))
    if not parted:
        return None
    wanted = states.with_rows(lab, start.finished, start.tables)
    return lambda: tried(lab, parted, wanted)


def tried(lab: Lab, parted: Sequence[Boundary], wanted: State) -> Cuts:
    """Let a deploy die at each of the places, and return what came of it; *wanted* is what the true run has left."""
    lab.listener.progress("trying deploys that die half-way")
    made = Cuts()
    for suffix in _TRIES:
        try:
            with (
                lab.clock.step("cuts"),
                commits.gate(lab.cluster.admin, lab.restored.dbname, lab.migrator.role) as gate,
            ):
                made = _Trials(lab, gate, wanted, suffix).cuts(parted)
        except (Error, ServerError) as error:
            made = Cuts(untried=(_why(parted, str(error).strip().split("\n", 1)[0]),))
        # Not one deploy that died: on a machine that is short of time that may have been chance.
        if made.tried or not made.untried:
            break
    return made


def _commits_seen(trace: Trace) -> list[float]:
    """Return the commits that the probe saw coming, for want of the server's word."""
    alone = (each.at for each in trace.statements if not each.in_transaction)
    return sorted([*(each.at for each in trace.commits), *alone])


@dataclass
class _Trials:
    """The runs of one rehearsal.

    Attributes:
        wanted: what the undisturbed upgrade ends with.
        suffix: of the names of these runs, when they were made before.
        before: how many statements had ended before each commit of an undisturbed one.
    """

    lab: Lab
    gate: commits.Gate
    wanted: State
    suffix: str
    before: list[int] = field(default_factory=list)

    def cuts(self, known: Sequence[Boundary]) -> Cuts:
        """Find the places in an undisturbed run whose commits are all held for a moment, and try them.

        Args:
            known: the places of the true run, whose commits nobody held.
        """
        name = f"undisturbed{self.suffix}"
        self.lab.fresh(name)
        control = self._held(name, None)
        seen = tuple(self.gate.seen)
        self.before = [_statements_before(each, control) for each in seen]
        parted = boundaries.found([each.at for each in seen], control, [each.sql for each in seen])
        # A session that sets synchronous_commit itself goes past the gate.
        missed = len(known) > len(parted)
        # After the last commit nothing is left to do.
        reachable = tuple(each for each in parted if each.number < len(seen))
        if why := self._differs(control):
            return Cuts(untried=(_why(reachable, why),))
        picked = chosen(reachable)
        left_out = [each for each in reachable if each not in picked]
        untried: tuple[str, ...] = (_why(left_out, f"{MOST} were tried"),) if left_out else ()
        if missed:
            untried += (_why(known, f"of {len(known)} commits {len(parted)} were held when it was run again"),)
        return Cuts(tuple(self._reached(each, seen[each.number - 1]) for each in picked), untried)

    def _differs(self, control: Trace) -> str:
        """Say why a run can't be compared with another; "" if two undisturbed ones end alike."""
        if control.exit_status != 0:
            return "the same upgrade, run again on a copy, did not end with status 0"
        now = states.of(self.lab)
        if states.differences(now, self.wanted):
            return "two undisturbed upgrades of the same schema end with different ones"
        # Where rows differ by themselves, they say nothing.
        same = {name: count for name, count in now.rows.items() if self.wanted.rows.get(name) == count}
        self.wanted = replace(self.wanted, rows=same)
        return ""

    def _held(self, name: str, cut_at: int | None) -> Trace:
        """Run the command with its commits held, and kill it at the one of that number."""
        self.gate.close_at(cut_at)
        try:
            return self.lab.run(name, timed=False, meanwhile=self.gate.look)
        finally:
            self.gate.open()

    def _reached(self, boundary: Boundary, expected: commits.Commit) -> Cut:
        cut = self._cut(boundary, expected, f"cut_{boundary.number}{self.suffix}")
        if cut.outcome == "not reached":
            cut = self._cut(boundary, expected, f"cut_{boundary.number}{self.suffix}_anew")
        return cut

    def _cut(self, boundary: Boundary, expected: commits.Commit, name: str) -> Cut:
        self.lab.fresh(name)
        began = readback.mark(self.lab.admin, name)
        killed = self._held(name, boundary.number)
        seen = self.gate.seen
        cut = Cut(
            number=boundary.number,
            revision=boundary.revision,
            location=boundary.location,
            sql=boundary.sql,
            inside=boundary.inside,
            outcome="not reached",
        )
        if len(seen) != boundary.number or seen[-1].sql != expected.sql:
            return cut
        if _statements_before(seen[-1], killed) != self.before[boundary.number - 1]:
            return cut
        left = states.of(self.lab)
        cut = replace(
            cut,
            left=readback.read(self.lab.admin, began, self._table(left), ()).unfinished,
            version_rows=left.version_rows,
            state=left.digest,
        )
        return self._judged(cut, self.lab.run(f"{name}_again", timed=False))

    def _table(self, state: State) -> VersionTable | None:
        filled = [table for table in state.tables if table.rows]
        return next(iter(filled or state.tables), None)

    def _judged(self, cut: Cut, retry: Trace) -> Cut:
        if retry.exit_status is None:
            return replace(cut, outcome="ran out of time", says="; ".join(retry.waiting_on))
        if retry.exit_status != 0:
            return _failed(cut, retry)
        now = states.of(self.lab)
        if lines := states.differences(now, self.wanted):
            return replace(cut, outcome="differs", differences=lines)
        counted = states.row_differences(now, self.wanted)
        return replace(cut, outcome="rows" if counted else "same", differences=counted)


def _statements_before(commit: commits.Commit, trace: Trace) -> int:
    return sum(each.at < commit.at for each in trace.statements)


def _failed(cut: Cut, retry: Trace) -> Cut:
    blame = _blame.of(retry)
    error = blame.cause.error if blame.cause else blame.ended_by.error if blame.ended_by else None
    ended = blame.ended_by
    hindered = error is not None and condition(error.sqlstate).kind in _HINDERED
    says = ended.text if ended else next((line for line in reversed(retry.output_tail) if line.strip()), "")
    return replace(
        cut,
        outcome="hindered" if hindered or not retry.probe_loaded else "failed",
        error=error,
        failed_sql=blame.cause.sql if blame.cause else blame.logged.statement if blame.logged else "",
        failed_at=blame.cause.location if blame.cause else ended.location if ended else None,
        says=says,
        flags=retry.flags,
    )


def chosen(parted: Sequence[Boundary]) -> list[Boundary]:
    """Return at most MOST, in order: first one for each line, last those that may be between two revisions."""
    lines: set[object] = set()
    ranked = []
    for each in parted:
        place = (each.revision, each.location, each.inside)
        ranked.append((each.bare, place in lines, each.number, each))
        lines.add(place)
    first = [each for *_, each in sorted(ranked, key=lambda item: item[:3])[:MOST]]
    return sorted(first, key=lambda each: each.number)


def _why(parted: Iterable[Boundary], reason: str) -> str:
    """Say that places were not tried."""
    places = dict.fromkeys(
        f"{each.location.path}:{each.location.line}" if each.location else each.revision for each in parted
    )
    shown = ", ".join(list(places)[:6]) + (", ..." if len(places) > 6 else "")
    where = f" (at {shown})" if shown else ""
    return f"a deploy that dies half-way through a revision{where}: {reason}"
