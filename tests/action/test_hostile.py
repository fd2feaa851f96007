"""Text of the pull request's own can't speak for the job."""

from __future__ import annotations

import pytest
from fix_runner import Runner
from test_step import check_out

from fix_projects import ENV, revision

pytestmark = pytest.mark.docker

FORGED = (
    "::error::forged ##[error]forged\\r::error::forged\\n::add-mask::e\\n"
    "##[set-output name=verdict]pass %0A::error::forged\\n::stop-commands::gone\\n##[add-mask]e\\r::stop-commands::gone"
)


def test_revisions_sql_and_messages_cannot_give_commands(runner: Runner) -> None:
    """Not from a revision's message, a statement, the server's answer, or what the command prints."""
    shout = f'import sys\nprint("{FORGED}")\nprint("{FORGED}", file=sys.stderr, flush=True)\n'
    body = f"""op.execute(sa.text("DO $$ BEGIN RAISE EXCEPTION '{FORGED}'; END $$ -- {FORGED}").columns())"""
    check_out(runner, body, env=shout + ENV.format(configure=""))
    file = runner.workspace / "migrations" / "versions" / "b2.py"
    file.write_text(revision("b2", "a1", body).replace('"""b2"""', f'"""{FORGED}"""'))

    step = runner.run({"dump": "production.sql", "install": "none", "verbose": "true"})

    assert step.status == 1, step.log
    assert "forged" in step.log
    assert step.outputs["verdict"] == "blocked"
    assert {each.name for each in step.commands} == {"error"}
    assert [each.properties["title"] for each in step.errors] == [
        "alembic-rehearsal: blocked",
        "upgrade-failed in revision b2",
    ]


def test_a_revisions_name_is_a_name(runner: Runner) -> None:
    """In annotations, outputs and the summary."""
    name = "b2 ##[error]forged <b>%0A"
    check_out(runner, "pass")
    file = runner.workspace / "migrations" / "versions" / "b2.py"
    file.write_text(revision(name, "a1", 'op.create_table("users")'))

    step = runner.run({"dump": "production.sql", "install": "none"})

    assert step.status == 1, step.log
    assert step.outputs["failed-revision"] == name
    assert [each.properties["title"] for each in step.errors] == [
        "alembic-rehearsal: blocked",
        f"upgrade-failed in revision {name.replace('##[', '## [')}",
    ]
    assert "<b>" not in step.summary


def test_a_summary_of_thousands_of_lines_stays_below_what_the_runner_drops(runner: Runner) -> None:
    """Of what doesn't fit there is the number, of the annotations there are ten, and the JSON report has all."""
    raising = "DO $$ BEGIN RAISE EXCEPTION '{number} {'<' * 3000}'; END $$"
    check_out(runner, f'for number in range(200):\n    op.execute(f"{raising}")')

    step = runner.run({"dump": "production.sql", "install": "none"})

    assert step.status == 1, step.log[-3000:]
    assert 500_000 < len(step.summary.encode()) < 1024 * 1024
    assert "more findings** left out" in step.summary
    assert step.outputs["findings"] == "200"
    assert len(step.errors) == 10


def test_the_code_gets_no_means_to_speak_for_the_job(runner: Runner) -> None:
    """Neither the job's tokens nor the files that the runner reads afterwards, nor the inputs."""
    env = "import os\nprint('SEEN', sorted(os.environ))\n" + ENV.format(configure="")
    check_out(runner, "pass", env=env)

    step = runner.run({"dump": "production.sql", "install": "none", "verbose": "true"})

    [seen] = [line for line in step.log.splitlines() if line.startswith("SEEN")]
    assert "GITHUB_WORKSPACE" in seen
    for withheld in ("ACTIONS_RUNTIME_TOKEN", "INPUT_", "GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY"):
        assert withheld not in seen


DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        try:
            open('/proc/1/fd/1', 'w')
        except OSError as error:
            os.write(1, b'no way out: %s\\n' % type(error).__name__.encode())
        for _ in range(600):
            os.write(1, b'::error::forged\\n')
            time.sleep(0.02)
    os._exit(0)
time.sleep(0.5)
"""


def test_what_the_code_leaves_running_is_ended_before_the_verdict(runner: Runner) -> None:
    """A process that left its session writes to what it inherited; the container's own output is out of its reach."""
    check_out(runner, "pass", env=DAEMON + ENV.format(configure=""))
    (runner.workspace / "daemon.py").write_text(DAEMON)

    step = runner.run({"dump": "production.sql", "install": "pip install psycopg2-binary alembic\npython daemon.py"})

    assert step.status == 0, step.log
    assert "no way out: PermissionError" in step.log
    assert "forged" in step.log
    assert step.errors == []
