"""Takes from texts of strangers what a log, a page or a parser would take for more than text.

Revision ids, their messages, SQL and the server's messages are written by whoever opened the pull request.
"""

from __future__ import annotations

import re

# Control characters but tab and newline, line separators, marks that turn the direction of writing (they can make
# SQL look like other SQL), what XML 1.0 has no place for, and halves of surrogate pairs, which UTF-8 can't hold.
# Source: https://www.w3.org/TR/xml/#charsets
_UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def cleaned(text: str, most: int) -> str:
    r"""Return at most *most* characters of *text*, with "\n" for every end of a line and no unfit character."""
    short = text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return _UNFIT.sub(_REPLACEMENT, short.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str, most: int) -> str:
    """Return the same without ends of lines and runs of blanks."""
    # What is folded away can't fill more than this; without a bound a text of megabytes would be folded whole.
    return cleaned(" ".join(text[: 4 * most].split()), most)
