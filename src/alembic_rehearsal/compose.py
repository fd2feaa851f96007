"""Puts the report together: the findings, what production would be left with, what was not tested."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping

from alembic_rehearsal import checks, outcome, policy, waivers
from alembic_rehearsal.errors import RehearsalError
from alembic_rehearsal.model import AppImage, Cuts, Evidence, Finding, Offer, Report, Severity, Verdict


def compose(
    evidence: Evidence,
    offer: Offer,
    findings: tuple[Finding, ...],
    warnings: tuple[str, ...],
    timings: Mapping[str, float],
) -> Report:
    """Return the report on *evidence* and its *findings*; *warnings* came with the choice of the server."""
    options = evidence.options
    findings, left_out = policy.weighed(findings, options.severity)
    complete = evidence.trace.exit_status == 0 and checks.verdict(findings, 0) is not Verdict.NO_VERDICT
    today = datetime.datetime.now(datetime.timezone.utc).date()
    findings, of_waivers = waivers.applied(findings, options.waivers, today, complete=complete)
    of_waivers, more = policy.weighed(of_waivers, options.severity)
    findings, left_out = (*findings, *of_waivers), (*left_out, *more)
    proved = checks.verdict(findings, evidence.trace.exit_status)
    verdict = policy.verdict(proved, findings, options.fail_on)
    return Report(
        verdict=verdict,
        command=evidence.project.argv,
        python=evidence.project.python,
        dump=evidence.dump,
        server=offer,
        migrator=evidence.migrator,
        kernel_guard=evidence.trace.kernel_guard,
        kernel_guards=evidence.trace.kernel_guards,
        from_revisions=outcome.from_revisions(evidence),
        to_revisions=outcome.to_revisions(evidence),
        revisions=outcome.revision_lines(evidence),
        findings=findings,
        state_left=outcome.state_left(evidence) if evidence.trace.contexts else (),
        notes=(*warnings, *evidence.restored.notes, *_notes(evidence), *left_out),
        not_tested=_not_tested(evidence),
        output_tail=evidence.trace.output_tail if verdict is not Verdict.PASS else (),
        timings=dict(timings),
        image=_shown(evidence.project.image),
        drift=evidence.drift.before if evidence.drift and not evidence.drift.why else None,
    )


def _shown(image: AppImage | None) -> str:
    """Return the image's name, and what it stood for if the name doesn't say it itself."""
    if image is None:
        return ""
    return image.name if "sha256:" in image.name else f"{image.name} ({image.id[:19]})"


def _notes(evidence: Evidence) -> Iterator[str]:
    if "tcp" not in evidence.trace.kernel_guards:
        yield "the kernel guarded no TCP (Landlock needs Linux 6.7): only Python code was kept from other servers"
    if "unix" not in evidence.trace.kernel_guards:
        yield "the kernel guarded no Unix sockets (seccomp, Linux 5.5): only Python code was kept from PostgreSQL's"
    restored = evidence.restored
    if restored.owners_known and not restored.owner_known:
        yield f"the dump doesn't say who owns the database, so {restored.owner} does here; pg_dump --create says it"
    cuts = evidence.again.cuts if evidence.again else None
    if cuts and cuts.tried:
        fine = sum(cut.outcome == "same" for cut in cuts.tried)
        yield (
            f"deploys that die half-way through a revision: {len(cuts.tried)} tried, after {fine} of them the next one "
            "ended as an undisturbed one"
        )
    if evidence.migrator.is_superuser:
        yield f"{evidence.migrator.role} is a superuser here, so missing privileges can't show; --role names another"


def _not_tested(evidence: Evidence) -> tuple[str, ...]:
    lines = ["locks and waiting under production's load", "DDL that the application issues at its own start"]
    if not evidence.options.include_data:
        lines.insert(0, "what depends on rows: the rehearsed tables are empty but for the version table")
    else:
        lines.insert(0, f"what depends on rows of other tables than {', '.join(evidence.options.include_data)}")
    if not evidence.options.base:
        lines.append("revisions that were edited, or put below production's, since it ran them: --base REF")
    if evidence.again is not None:
        lines += evidence.again.untried
    lines.append("indexes that are INVALID in production: pg_dump leaves them out")
    if evidence.again and evidence.again.cuts:
        lines += _not_cut(evidence.again.cuts)
    return (*lines, *_rights(evidence), *_not_compared(evidence))


def _rights(evidence: Evidence) -> Iterator[str]:
    """Say what the dump doesn't tell of roles."""
    if evidence.migrator.is_superuser:
        yield "what the migrating role may not do in production: it is a superuser here"
    elif not evidence.restored.owners_known:
        yield "what the migrating role may not do in production: the dump names no owners"
    if evidence.privileges is not None and not evidence.privileges.known:
        yield "what other roles may use after the upgrade: the dump grants them nothing"


def _not_compared(evidence: Evidence) -> Iterator[str]:
    """Say why the upgraded production was not compared with the schema from base."""
    drift = evidence.drift
    if drift is not None and drift.why:
        yield f"production's schema against the one that the revisions make from base: {drift.why}"
    elif evidence.trace.exit_status != 0:
        return
    elif drift is None and evidence.options.divergence == "auto" and evidence.options.from_base:
        yield "what differed before between production and the schema from base: --divergence on compares them"
    elif drift is None:
        yield "production's schema against the one that the revisions make from base: it was not asked for"


def _not_cut(cuts: Cuts) -> list[str]:
    missed = [cut for cut in cuts.tried if cut.outcome == "not reached"]
    return [
        *cuts.untried,
        *(
            f"a deploy that dies half-way through revision {cut.revision}: it committed otherwise when it was run again"
            for cut in missed
        ),
    ]


def without_verdict(error: RehearsalError) -> Report:
    """Return the report of a run that *error* ended before there was anything to judge."""
    found = Finding(check="no-verdict", severity=Severity.UNPROVED, message=str(error), fix=error.fix)
    return Report(
        verdict=Verdict.NO_VERDICT,
        command=(),
        python="",
        dump=None,
        server=None,
        migrator=None,
        kernel_guard=False,
        findings=(found,),
    )
