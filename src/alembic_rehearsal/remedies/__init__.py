"""What would make the upgrade pass: one remedy a file, each tried on copies before it is recommended."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from alembic_rehearsal import project
from alembic_rehearsal.model import Edit, Evidence, Finding, Remedy, Severity, Trial
from alembic_rehearsal.remedies import guard, merge, reconcile, rename, renumber, stamp, trial
from alembic_rehearsal.remedies._problem import Problem, problem_of
from alembic_rehearsal.remedies._proposal import Proposal
from alembic_rehearsal.remedies.trial import Bench

__all__ = ["REMEDIES", "Bench", "Proposer", "best", "tried"]

_MOST_TRIALS = 3


class Proposer(Protocol):
    """What a module of this folder has to offer."""

    ID: str

    def propose(self, problem: Problem) -> Proposal | None:
        """Return what might help, None where it has nothing to do with the problem."""


# The first that passes is the one to take: what leaves the revisions alone stands before what edits them.
REMEDIES: tuple[Proposer, ...] = (stamp, merge, renumber, guard, rename, reconcile)


def tried(findings: tuple[Finding, ...], evidence: Evidence, bench: Bench) -> tuple[Finding, ...]:
    """Return *findings* with what was tried against them; the static fix is left where nothing was proposed."""
    problem = problem_of(findings, evidence)
    if problem is None:
        return findings
    remedies: list[Remedy] = []
    trials = 0
    for proposal in _proposals(problem):
        passed = next((each for each in remedies if each.trial.outcome == "passed"), None)
        if passed and passed.kind == proposal.kind:
            continue
        why = proposal.refused or (f"{passed.kind} passed already" if passed else "")
        if not why and trials == _MOST_TRIALS:
            why = f"{_MOST_TRIALS} others were tried"
        if why:
            remedies.append(_remedy(proposal, Trial("not tried", reason=why), (), evidence))
            continue
        trials += 1
        outcome, notes = trial.carried_out(proposal, problem, bench, trials)
        remedies.append(_remedy(proposal, outcome, notes, evidence))
    return _placed(findings, tuple(sorted(remedies, key=lambda each: each.trial.outcome != "passed")))


def _proposals(problem: Problem) -> Iterator[Proposal]:
    for proposer in REMEDIES:
        proposal = proposer.propose(problem)
        while proposal is not None:
            yield proposal
            proposal = proposal.otherwise


def best(findings: Iterable[Finding]) -> Remedy | None:
    """Return the remedy to take, None if none passed."""
    return next(
        (each for finding in findings for each in finding.remedies if each.trial.outcome == "passed"),
        None,
    )


def _remedy(proposal: Proposal, outcome: Trial, notes: tuple[str, ...], evidence: Evidence) -> Remedy:
    # One that was refused or failed is only told of.
    edits = proposal.edits if outcome.outcome != "failed" and outcome.on else ()
    return Remedy(
        kind=proposal.kind,
        text=proposal.text,
        trial=outcome,
        patch=edits,
        diff="".join(map(_diff, edits)),
        command=_stamp(proposal, evidence) if proposal.stamp else "",
        notes=(*proposal.notes, *notes, *_shared(edits, anew=proposal.anew)) if outcome.on else (),
    )


def _stamp(proposal: Proposal, evidence: Evidence) -> str:
    """Return the command as the deploy's own, `alembic -c app.ini upgrade head`, would have it."""
    argv = ("alembic",) if evidence.options.command else evidence.project.argv[:-2]
    return project.readable((*argv, "stamp", proposal.stamp))


def _shared(edits: tuple[Edit, ...], *, anew: bool) -> tuple[str, ...]:
    """Say what an edit of a revision means for environments that have run it."""
    if not any(edit.before for edit in edits):
        return ()
    foreign = [edit.path for edit in edits if edit.path.startswith("/")]
    if foreign:
        return (f"{foreign[0]} lies outside the project: who maintains it has to change it",)
    if anew:
        return ()
    return ("where these revisions have run already they don't run again: the edit changes nothing there",)


def _placed(findings: tuple[Finding, ...], remedies: tuple[Remedy, ...]) -> tuple[Finding, ...]:
    """Hang the remedies up under the first error; they are for all of them."""
    passed = next((each for each in remedies if each.trial.outcome == "passed"), None)
    above = [replace(passed, text=_ABOVE, patch=(), diff="", command="", notes=())] if passed else []
    placed, first = [], True
    for finding in findings:
        if finding.severity is not Severity.ERROR or not remedies:
            placed.append(finding)
        elif first:
            placed.append(replace(finding, remedies=remedies, fix="" if passed else finding.fix))
            first = False
        else:
            placed.append(replace(finding, remedies=tuple(above), fix="" if passed else finding.fix))
    return tuple(placed)


_ABOVE = "The one under the first failure takes this along"


def _diff(edit: Edit) -> str:
    """Return *edit* as a unified diff, with the paths as git writes them."""
    before, after = ("", "") if edit.path.startswith("/") else ("a/", "b/")
    lines = difflib.unified_diff(
        [f"{line}\n" for line in edit.before.splitlines()],
        [f"{line}\n" for line in edit.after.splitlines()],
        fromfile=f"{before}{edit.path}" if edit.before else "/dev/null",
        tofile=f"{after}{edit.path}",
    )
    return "".join(lines)
