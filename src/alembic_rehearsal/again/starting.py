"""Where a project says that its migrations run when an instance starts: then several start at once.

A release step (Render's preDeployCommand, a Procfile's release process) runs once for a deploy, and is no such place;
neither is a command that upgrades and does nothing else: a job of its own, which nobody starts several times.

Source: https://render.com/docs/deploys, https://devcenter.heroku.com/articles/release-phase
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from alembic_rehearsal import blueprint
from alembic_rehearsal.again.records import Start
from alembic_rehearsal.model import Location

_RENDER = ("startCommand", "dockerCommand")
_COMPOSE = ("docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml")
_INSTRUCTION = re.compile(r"^[ \t]*(CMD|ENTRYPOINT)[ \t]+((?:.*\\\n)*.*)", re.MULTILINE)
_PROCESS = re.compile(r"^([\w-]+):[ \t]*(.+)$", re.MULTILINE)
_FIELD = re.compile(r"^([ \t]*(?:-[ \t]+)?)(\w+):[ \t]*", re.MULTILINE)
_WORD = re.compile(r"[\w./-]+")
_MOST_BYTES = 1 << 20
# What a command that only upgrades may still have around it.
_NOTHING = re.compile(r"""[\s"'\]\[;,})]*(?:heads?\b|\+\d+|[0-9a-f]{6,}\b|\$\S+)?[\s"'\]\[;,})]*""")


def found(root: Path, command: str = "") -> tuple[Start, ...]:
    """Return the places in the project at *root*.

    Args:
        command: the deploy's own, where it isn't Alembic's; it is looked for too.
    """
    search = _Search(root, command)
    return tuple(dict.fromkeys((*search.render(), *search.dockerfiles(), *search.procfile(), *search.compose())))


class _Search:
    def __init__(self, root: Path, command: str) -> None:
        self._root = root
        self._command = command.strip()

    def render(self) -> Iterator[Start]:
        file = blueprint.find(self._root)
        if file is None:
            return
        text = _without_comments(_text(file))
        for name, value, offset in _fields(text, _RENDER):
            yield from self._in(file, name, value, text, offset, file.parent)

    def dockerfiles(self) -> Iterator[Start]:
        for file in sorted({*self._root.glob("Dockerfile*"), *self._root.glob("docker/Dockerfile*")}):
            text = _without_comments(_text(file))
            instructions = list(_INSTRUCTION.finditer(text))
            # Of several of a kind the last one counts: https://docs.docker.com/reference/dockerfile/#cmd
            for match in {each[1]: each for each in instructions}.values():
                yield from self._in(file, match[1], match[2], text, match.start(2), self._root)

    def procfile(self) -> Iterator[Start]:
        file = self._root / "Procfile"
        text = _without_comments(_text(file))
        for match in _PROCESS.finditer(text):
            if match[1] != "release":
                yield from self._in(file, match[1], match[2], text, match.start(2), self._root)

    def compose(self) -> Iterator[Start]:
        for file in filter(Path.is_file, (self._root / name for name in _COMPOSE)):
            text = _without_comments(_text(file))
            for name, value, offset in _fields(text, ("command", "entrypoint")):
                yield from self._in(file, name, value, text, offset, self._root)

    def _in(self, file: Path, what: str, line: str, text: str, offset: int, folder: Path) -> Iterator[Start]:
        """Yield the place if *line*, which stands at *offset* of the *text* of *file*, upgrades and goes on."""
        end = self._upgrade(line)
        if end is not None:
            if not _NOTHING.fullmatch(line[end:]):
                yield self._start(file, text, offset + end - 1, what)
            return
        for word in _WORD.findall(line):
            yield from self._in_script(folder, word, what)

    def _in_script(self, folder: Path, word: str, what: str) -> Iterator[Start]:
        # A path in an image ends as the one that it was copied from, mostly.
        places = (folder / word.lstrip("./"), folder / Path(word).name, folder / "docker" / Path(word).name)
        script = next((each for each in places if each.is_file()), None)
        if script is None or script.suffix in (".py", ".ini", ".toml", ".txt", ".yml", ".yaml"):
            return
        text = _without_comments(_text(script))
        end = self._upgrade(text)
        if end is not None and not _NOTHING.fullmatch(text[end:]):
            yield self._start(script, text, end - 1, f"{what} {word}")

    def _upgrade(self, text: str) -> int | None:
        """Return where the upgrade in *text* ends, None if there is none."""
        end = blueprint.upgrade_in(text)
        if end is None and self._command and self._command in text:
            end = text.index(self._command) + len(self._command)
        return end

    def _start(self, file: Path, text: str, at: int, what: str) -> Start:
        number = text.count("\n", 0, at) + 1
        line = text.splitlines()[number - 1].strip()
        root = self._root.absolute()
        path = file.absolute()
        name = path.relative_to(root) if path.is_relative_to(root) else path
        return Start(Location(name.as_posix(), number), line, what)


def _fields(text: str, names: Collection[str]) -> Iterator[tuple[str, str, int]]:
    """Yield name, value and the value's offset of each field of a YAML text that is called so, wherever it is.

    What is indented more than the name belongs to the value, and so do the items of a list right under it.
    """
    for match in _FIELD.finditer(text):
        if match[2] not in names:
            continue
        indent = len(match[1])
        value = ""
        for number, line in enumerate(text[match.end() :].splitlines(keepends=True)):
            depth = len(line) - len(line.lstrip())
            item = depth == indent and line.lstrip().startswith("- ")
            if number and line.strip() and depth <= indent and not item:
                break
            value += line
        yield match[2], value, match.end()


def _without_comments(text: str) -> str:
    """Return *text* with its comment lines empty, so that lines keep their numbers."""
    return re.sub(r"^[ \t]*#.*", "", text, flags=re.MULTILINE)


def _text(file: Path) -> str:
    try:
        if file.is_file() and file.stat().st_size <= _MOST_BYTES:
            return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        pass
    return ""
