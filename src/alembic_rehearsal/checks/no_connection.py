"""The command never reached the throw-away server, so nothing was rehearsed."""

from __future__ import annotations

from collections.abc import Iterator

from alembic_rehearsal.model import Evidence, Finding, Severity

ID = "no-connection"


def check(evidence: Evidence) -> Iterator[Finding]:
    """Yield one finding when there is no proof that the command worked on the rehearsed database."""
    trace = evidence.trace
    if trace.exit_status is None:
        return
    if not trace.probe_loaded:
        yield _unproved(
            "The probe was not loaded into the command, so nothing is known of what it did",
            trace.output_tail[-10:],
            "The command has to be a Python program that reads PYTHONPATH: not started with -I, -E or -S, and run by "
            "an interpreter of Python 3.8 or later.",
        )
    elif trace.probe_faults:
        yield _unproved("The probe itself failed", trace.probe_faults, "A fault of alembic-rehearsal: report it.")
    elif not any(each.outcome == "redirected" for each in trace.connections):
        if trace.exit_status == 0 or not trace.failures:
            yield _unproved(
                "The command asked for no PostgreSQL connection, so nothing was rehearsed",
                _elsewhere(evidence) + trace.output_tail[-5:],
                "If env.py falls back to another database when a variable is unset, set that variable to any "
                "postgresql:// URL: the connection is redirected.",
            )
    elif not trace.contexts and trace.exit_status == 0:
        yield _unproved(
            "The command connected, and no Alembic migration was started in it",
            trace.output_tail[-5:],
            'Name the command that migrates: --command "python -m app.migrate"',
        )
    elif trace.exit_status == 0 and not evidence.readback.fingerprint_seen and not _offline(evidence):
        yield _unproved(
            "The migrations ran over a connection that is not in the prepared database: it lacks the fingerprint",
            _elsewhere(evidence),
            "The connection that env.py gives to context.configure() has to be one that the engine or a driver made.",
        )
    elif not evidence.readback.fingerprint_found and not trace.fingerprints:
        # A migration may reset the database's settings, the token among them, after its connection has seen it.
        yield _unproved("The rehearsed database is not the one that was prepared: it lost its fingerprint", (), "")


def _offline(evidence: Evidence) -> bool:
    return all(context.as_sql for context in evidence.trace.contexts)


def _elsewhere(evidence: Evidence) -> tuple[str, ...]:
    return tuple(
        f"connected to {each.reason} instead" for each in evidence.trace.connections if each.outcome == "elsewhere"
    )


def _unproved(message: str, lines: tuple[str, ...], fix: str) -> Finding:
    return Finding(check=ID, severity=Severity.UNPROVED, message=message, evidence=lines, fix=fix)
