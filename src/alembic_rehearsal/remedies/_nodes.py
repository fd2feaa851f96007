"""The nodes of a kind in a tree: libcst's own matchers take longer to import than a revision to edit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import libcst as cst

_Node = TypeVar("_Node", bound=cst.CSTNode)


def nodes(tree: cst.CSTNode, *kinds: type[_Node]) -> Iterator[_Node]:
    """Yield *tree* and what is below it, as far as it is one of *kinds*, in the order of the code."""
    if isinstance(tree, kinds):
        yield tree
    for child in tree.children:
        yield from nodes(child, *kinds)
