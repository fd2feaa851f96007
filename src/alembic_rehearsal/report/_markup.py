"""Text in GitHub-flavoured Markdown that stays text: no HTML, link, mention, image, cell or fence begins in it."""

from __future__ import annotations

import re

from alembic_rehearsal.report._clean import cleaned, one_line

# Entities stand for characters and never for structure, so they are right in a table's cell too.
# Source: https://spec.commonmark.org/0.31.2/#entity-and-numeric-character-references
_ENTITIES = {character: f"&#{ord(character)};" for character in "&<>|`\\$"}
_ESCAPES = {character: f"\\{character}" for character in "*_[]~"}
# What GitHub links in the finished text: mentions, addresses, issues. An empty character within it stops that.
# Source: https://docs.github.com/en/get-started/writing-on-github
_LINKED = r"@|#(?=\d)|:(?=//)|(?<=www)\.|(?<=GH)-(?=\d)|(?<=mailto):|(?<=xmpp):"
# Between letters or digits it is no emphasis.
_UNDERLINE = r"(?<![a-z0-9])_|_(?![a-z0-9])"
_SPECIAL = re.compile(rf"[&<>|`\\$*\[\]~]|{_UNDERLINE}|{_LINKED}", re.IGNORECASE)
_BREAK = "&#8203;"
# What needs no escaping between backticks, in a table's cell or out of it.
_PLAIN = re.compile(r"[A-Za-z0-9_./+-](?:[A-Za-z0-9_./+=:,() -]*[A-Za-z0-9_./+=()-])?")
_RUN = re.compile("`+")


def inline(text: str, most: int) -> str:
    """Return at most *most* characters of *text* as one line of prose."""
    folded = one_line(text, most)
    head, rest = folded[:1], folded[1:]
    if head and not head.isalpha():
        # At the beginning of a line "-", "1." or "=" would be more than text.
        return f"&#{ord(head)};{_BREAK * (head in '@#')}{_escaped(rest)}"
    return _escaped(folded)


def code(text: str, most: int) -> str:
    """Return at most *most* characters of *text* in the type of code, within a line."""
    folded = one_line(text, most)
    if _PLAIN.fullmatch(folded):
        return f"`{folded}`"
    return f"<code>{_escaped(folded)}</code>" if folded else ""


def fence(text: str, language: str, most: int) -> str:
    """Return at most *most* characters of *text* as a block of code, between fences that don't occur in it."""
    content = cleaned(text, most).strip("\n")
    longest = max((len(run) for run in _RUN.findall(content)), default=0)
    marks = "`" * max(3, longest + 1)
    return f"{marks}{language}\n{content}\n{marks}\n"


def label(text: str, most: int) -> str:
    """Return *text* for a quoted label of a Mermaid graph, where "#35;" is an entity.

    Source: https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters
    """
    plain = one_line(text, most)
    return "".join(each if each.isascii() and (each.isalnum() or each == " ") else f"#{ord(each)};" for each in plain)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(_harmless, text)


def _harmless(match: re.Match[str]) -> str:
    character = match[0]
    # Behind the dot it would be taken for a letter of the host's name.
    broken = _BREAK + character if character == "." else character + _BREAK
    return _ENTITIES.get(character) or _ESCAPES.get(character) or broken
