"""What git says became of the revision files since a commit: which are new, and which do something else now.

git is only asked for objects: nothing is checked out, no hook and no filter runs.
Source: https://git-scm.com/docs/git-ls-tree, https://git-scm.com/docs/git-cat-file#_batch_output
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from alembic_rehearsal import proc, revisionfile
from alembic_rehearsal.errors import ProcessFailed, UsageError
from alembic_rehearsal.model import Revision, Since

_TIMEOUT_S = 60
_DEPTH = "A checkout has only its last commit unless it asks for more:\n    fetch-depth: 0\nor: git fetch --unshallow"


def commit_of(root: str, ref: str) -> str:
    """Return the commit to compare with: where the branch of the checkout at *root* has left *ref*.

    Raises:
        UsageError: there is no git, no repository, or no such commit in it.
    """
    try:
        inside = _git(root, "rev-parse", "--is-inside-work-tree", check=False)
        if inside.status != 0:
            raise _unreadable(root, ref, inside.stderr.decode(errors="replace").strip())
        named = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", check=False)
        if named.status != 0:
            raise UsageError(f"--base {ref}: git has no such commit here", fix=_DEPTH)
        commit = named.stdout.decode().strip()
        parting = _git(root, "merge-base", commit, "HEAD", check=False)
    except ProcessFailed as error:
        raise UsageError(f"--base {ref} needs git: {error}", fix="Install git, or leave --base out.") from error
    # Without a common ancestor, as in a checkout without its history, the commit itself is what there is.
    return parting.stdout.decode().strip() if parting.status == 0 else commit


def _unreadable(root: str, ref: str, said: str) -> UsageError:
    """Return what to say where git reads nothing: whose files it reads is the user's to decide.

    Source: https://git-scm.com/docs/git-config#Documentation/git-config.txt-safedirectory
    """
    if "safe.directory" not in said:
        first = said.partition("\n")[0]
        return UsageError(f"--base {ref}: {root} is in no git repository: {first}", fix="Leave --base out.")
    mend = next(line.strip() for line in said.splitlines() if "safe.directory" in line)
    message = f"--base {ref}: git doesn't read the repository at {root}, for it belongs to another account"
    return UsageError(message, fix=f"Trust it, or leave --base out:\n    {mend}")


def is_there(root: str, commit: str, environ: Mapping[str, str]) -> bool:
    """Say whether git, with *environ*, has *commit* in the checkout at *root*."""
    argv = ("git", "cat-file", "-e", f"{commit}^{{commit}}")
    try:
        return proc.run(argv, timeout_s=_TIMEOUT_S, env=environ, cwd=root, check=False).status == 0
    except (ProcessFailed, OSError):
        return False


def read(root: str, ref: str, commit: str, revisions: Iterable[Revision]) -> Since:
    """Return what became of *revisions*, whose paths begin at *root*, since *commit*.

    A file is known by its revision's id, so that one that was renamed or moved is the same.

    Raises:
        ProcessFailed: git refuses.
    """
    top = Path(_git(root, "rev-parse", "--show-toplevel").stdout.decode().rstrip("\n"))
    present = {each.revision: each for each in revisions}
    texts = {each: revisionfile.text_of(Path(root, revision.path)) for each, revision in present.items()}
    parents: dict[str, tuple[str, ...]] = {}
    edited: dict[str, tuple[str, ...]] = {}
    for before in _before(root, top, commit, present).values():
        then = revisionfile.described(before)
        if then is None:
            continue
        parents[then.revision] = then.parents
        now = texts.get(then.revision, "")
        if now and (changed := revisionfile.differences(before, now)):
            edited[then.revision] = changed
    return Since(ref=ref, commit=commit, parents=parents, edited=edited)


def _before(root: str, top: Path, commit: str, present: Mapping[str, Revision]) -> dict[str, str]:
    """Return the texts of the Python files in *commit* that may be revisions, by path from the repository's top."""
    files = (Path(root, each.path).resolve() for each in present.values())
    places = {file.relative_to(top.resolve()) for file in files if file.is_relative_to(top.resolve())}
    folders = {place.parent.as_posix() for place in places}
    names = {place.name for place in places}
    listed = _git(root, "ls-tree", "-r", "-z", "--full-tree", commit).stdout.decode(errors="surrogateescape")
    objects: dict[str, str] = {}
    for line in filter(None, listed.split("\0")):
        about, _, path = line.partition("\t")
        place = PurePosixPath(path)
        # A folder that was moved has files of the same names elsewhere.
        if place.suffix == ".py" and (place.parent.as_posix() in folders or place.name in names):
            objects[path] = about.split()[2]
    return dict(zip(objects, _contents(root, list(objects.values())), strict=True))


def _contents(root: str, objects: list[str]) -> list[str]:
    if not objects:
        return []
    asked = "".join(f"{each}\n" for each in objects).encode()
    output = _git(root, "cat-file", "--batch", stdin=asked).stdout
    texts, at = [], 0
    for _ in objects:
        end = output.index(b"\n", at)
        size = int(output[at:end].rpartition(b" ")[2])
        texts.append(output[end + 1 : end + 1 + size].decode("utf-8", "replace"))
        at = end + 1 + size + 1
    return texts


def _git(root: str, *arguments: str, stdin: bytes | None = None, check: bool = True) -> proc.Completed:
    return proc.run(("git", *arguments), timeout_s=_TIMEOUT_S, cwd=root, stdin=stdin, check=check)
