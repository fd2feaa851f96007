"""A page that may hold so many bytes and no more, filled block by block."""

from __future__ import annotations

from collections.abc import Iterable

# For the sentences that say what was left out.
_RESERVE = 1000
_LEFT_OUT = "A part of the report is left out: the page has no room for it.\n\n"


class Page:
    """Takes a block whole or not at all, so that nothing is cut within a fence or a table."""

    def __init__(self, most_bytes: int) -> None:
        self._blocks: list[str] = []
        self._most = most_bytes - _RESERVE
        self._used = 0
        self._all = True

    def add(self, block: str) -> bool:
        """Add *block* if there is room for it; the page says at its end if there was none."""
        fits = self._fits(block, self._most)
        self._all = self._all and fits
        return fits

    def add_each(self, blocks: Iterable[str], share: float) -> int:
        """Add *blocks* until one would fill more than *share* of the page, and return how many were added."""
        most = int(self._most * share)
        added = 0
        for block in blocks:
            if not self._fits(block, most):
                break
            added += 1
        return added

    def text(self) -> str:
        """Return all that was added."""
        return "".join([*self._blocks, *([] if self._all else [_LEFT_OUT])]).rstrip("\n") + "\n"

    def _fits(self, block: str, most: int) -> bool:
        size = len(block.encode())
        if self._used + size > most:
            return False
        self._blocks.append(block)
        self._used += size
        return True
