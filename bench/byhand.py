"""The same work without the tool: initdb, start, createdb, `psql -f`, upgrade, stop."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from alembic_rehearsal import proc


def seconds(
    binaries: Path, dump: Path, command: Sequence[str], *, cwd: Path, environ: Mapping[str, str], roles: Sequence[str]
) -> dict[str, float]:
    """Do it once and return the seconds of each step, by name, and of all as "total".

    `$address` in *environ* and *command* stands for user:password@host:port/dbname of the server made here.
    """
    account = proc.unprivileged()
    as_user = {"user": account.name, "group": account.gid, "extra_groups": []} if account else {}
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir="/tmp"))
    if account:
        os.chown(folder, account.uid, account.gid)
    port = "54987"
    took: dict[str, float] = {}

    def step(name: str, *argv: str, **more: object) -> None:
        began = time.perf_counter()
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)  # type: ignore[call-overload]
        took[name] = took.get(name, 0) + time.perf_counter() - began

    data = str(folder / "data")
    reach = ("-h", "127.0.0.1", "-p", port, "-U", "postgres")
    try:
        step("initdb", f"{binaries}/initdb", "-D", data, "-U", "postgres", "--auth", "trust", cwd=folder, **as_user)
        options = f"-k {folder} -p {port} -c listen_addresses=127.0.0.1"
        log = str(folder / "log")
        step("start", f"{binaries}/pg_ctl", "-w", "-D", data, "-o", options, "-l", log, "start", cwd=folder, **as_user)
        for role in roles:
            step("createdb", f"{binaries}/psql", *reach, "-c", f"CREATE ROLE {role} LOGIN", "postgres")
        step("createdb", f"{binaries}/createdb", *reach, "-O", roles[0], "app")
        step("restore", f"{binaries}/psql", *reach, "-q", "-f", str(dump), "app")
        address = f"{roles[0]}@127.0.0.1:{port}/app"
        filled = [part.replace("$address", address) for part in command]
        env = {name: value.replace("$address", address) for name, value in environ.items()}
        step("upgrade", *filled, cwd=cwd, env=env)
        step("stop", f"{binaries}/pg_ctl", "-w", "-D", data, "-m", "fast", "stop", cwd=folder, **as_user)
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            stop = [f"{binaries}/pg_ctl", "-D", data, "-m", "immediate", "stop"]
            subprocess.run(stop, cwd=folder, check=False, **as_user)  # type: ignore[call-overload]
        shutil.rmtree(folder)
    took["total"] = sum(took.values())
    return took
