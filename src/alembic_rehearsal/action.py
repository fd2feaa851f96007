"""The GitHub Action: inputs -> the project's environment -> the command line in a process of its own -> outputs.

The command line runs beside this process, and not in it: this one is the container's first and has to say
something even when the other is killed for its memory.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from alembic_rehearsal import cli, interrupts, since, syscalls
from alembic_rehearsal.actions import inputs, install, outputs, programs
from alembic_rehearsal.actions.ending import TITLE, Ending
from alembic_rehearsal.errors import ProjectError, RehearsalError

_USAGE = 2
_NO_VERDICT = 3
# What lets a process speak for the job or as the job. The rehearsed command is the pull request's code.
_WITHHELD = ("INPUT_", "ACTIONS_", "GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the action, or the command line if there are arguments, and return the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments and "GITHUB_ACTIONS" not in os.environ:
        return cli.main(arguments)
    log = outputs.Log(sys.stdout.buffer)
    interrupts.expect()
    # The code that is rehearsed is root in the same container, and this process's variables hold the job's token.
    syscalls.hide_process()
    workspace = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd())
    if arguments:
        log.command("error", "this action takes no arguments: each option is an input", title=TITLE)
        return _USAGE
    try:
        return Step(log, dict(os.environ), workspace).run()
    except interrupts.Interrupted:
        return interrupts.EXIT_STATUS
    except Exception as error:  # noqa: BLE001
        # Not even the report of that could be written.
        log.command("error", f"{_fault(error)}: report it\n{traceback.format_exc()}", title=TITLE)
        outputs.set_outputs(os.environ, {"verdict": "no verdict"})
        return _NO_VERDICT
    finally:
        _end_the_rest()
        outputs.give_back(workspace, workspace)


def _fault(error: Exception) -> RehearsalError:
    """Return the end that a fault of the action's own is; 1 would say that the migration was tried and failed."""
    return RehearsalError(f"a fault of alembic-rehearsal itself ({type(error).__name__})", fix="Report it.")


def _end_the_rest() -> None:
    """End whatever the project's code left running, if all of the container is ours.

    A process that left its session could otherwise still write to the job's log.
    """
    if os.getpid() == 1:
        with contextlib.suppress(OSError):
            os.kill(-1, signal.SIGKILL)


class Step:
    """One step of a job."""

    def __init__(self, log: outputs.Log, environ: Mapping[str, str], workspace: Path) -> None:
        self._log = log
        self._environ = environ
        self._workspace = workspace
        self._refused: RehearsalError | None = None
        try:
            self._asked = inputs.read(environ, cli.run)
        except RehearsalError as error:
            self._asked, self._refused = inputs.despite(environ), error
        temporary = Path(environ.get("RUNNER_TEMP") or tempfile.gettempdir())
        self._folder = temporary / TITLE
        self._folder.mkdir(parents=True, exist_ok=True)
        # A job may have several such steps, and a report is its own step's.
        own = Path(tempfile.mkdtemp(prefix="step-", dir=self._folder))
        own.chmod(0o755)
        self._ending = Ending(log, environ, workspace, self._asked, own)
        given = {name: value for name, value in environ.items() if not name.startswith(_WITHHELD)}
        self._for_code = install.trusting_git(given)

    def run(self) -> int:
        """Do all of it and return the exit status; whatever ends it, reports and outputs are written.

        Raises:
            Interrupted: a signal asked for the end.
        """
        for secret in self._asked.secrets:
            self._log.command("add-mask", secret)
        try:
            if self._refused is not None:
                raise self._refused
            python = self._install()
            with tempfile.TemporaryDirectory() as private:
                return self._rehearse(python, Path(private))
        except RehearsalError as error:
            return self._ending.without_verdict(error)
        except interrupts.Interrupted as error:
            # In the seconds that are left the API isn't waited for.
            self._ending.write(RehearsalError(f"interrupted by {error}"))
            raise
        except Exception as error:  # noqa: BLE001
            # In the log alone, where secrets are masked: reports and comment are read elsewhere too.
            with self._log.uninterpreted("Traceback"):
                self._log.raw(traceback.format_exc().encode(errors="backslashreplace"))
            return self._ending.without_verdict(_fault(error))
        finally:
            for place in (self._folder, Path(self._environ.get("HOME", "/github/home"))):
                # Where the runner put them; a HOME that the image has is nobody else's.
                if "GITHUB_ACTIONS" in self._environ:
                    outputs.give_back(place, self._workspace)

    def _install(self) -> str:
        """Make the project's environment and return its interpreter; "" when none is wanted."""
        if self._asked.install == "none" or self._asked.interpreter_named:
            return ""
        cache = self._workspace / self._asked.cache_directory if self._asked.cache_directory else self._folder
        places = install.Places(cache)
        root = (self._workspace / self._asked.directory).resolve()
        version = self._asked.python_version
        plan = install.plan(self._asked.install, root, self._workspace.resolve(), python_version=version, places=places)
        env = places.environment(self._for_code)
        places.prepare()
        with self._log.uninterpreted(f"Install the project's requirements from {plan.source}"):
            for command in plan.commands:
                status, tail = self._carry_out(command, env, plan.folder)
                if status != 0:
                    raise ProjectError(
                        f"the project's requirements can't be installed: {shlex.join(command)} ended with "
                        f"status {status}\n{tail}",
                        fix=install.advice(tail),
                    )
            for command in plan.fallbacks:
                if (places.venv / "bin" / "alembic").exists():
                    break
                self._carry_out(command, env, plan.folder)
            _end_the_rest()
        return str(places.python)

    def _carry_out(self, command: tuple[str, ...], env: Mapping[str, str], folder: Path) -> tuple[int, str]:
        """Run a command of a plan, once more without the project itself if that is all that can't be installed."""
        status, tail = self._spawn(command, env, folder)
        again = install.without_project(command, tail) if status != 0 else ()
        if again:
            self._log.raw(f"\nOnce more without the project itself: {shlex.join(again)}\n".encode())
            second, _tail = self._spawn(again, env, folder)
            status = second and status
        return status, tail

    def _rehearse(self, python: str, private: Path) -> int:
        reports = self._ending.reports(private)
        argv = [sys.executable, "-I", "-m", "alembic_rehearsal", "run", *self._asked.arguments]
        argv += [f"--python={python}"] if python else []
        argv += self._base()
        argv += [part for name, file in reports for part in (f"--format={name}", f"--output={file}")]
        with self._log.uninterpreted(""):
            status, tail = self._spawn((*argv, "--format=text"), self._for_code, self._workspace)
            _end_the_rest()
        return self._ending.conclude(status, tail, private)

    def _base(self) -> list[str]:
        """Return the option that names the pull request's base, unless the workflow does or git hasn't got it here."""
        commit = inputs.base_of(self._environ)
        named = any(each.startswith("--base=") for each in self._asked.arguments)
        if named or not commit:
            return []
        if not since.is_there(str((self._workspace / self._asked.directory).resolve()), commit, self._for_code):
            text = f"revisions that were edited are not looked for: git has no {commit[:12]} here (fetch-depth: 0)"
            self._log.command("notice", text, title=TITLE)
            return []
        return [f"--base={commit}"]

    def _spawn(self, command: Sequence[str], env: Mapping[str, str], folder: Path) -> tuple[int, str]:
        return programs.passed_on(self._log, command, env, folder)
