"""What the trials of `again` hand on."""

from __future__ import annotations

from dataclasses import dataclass

from alembic_rehearsal.model import Cuts


@dataclass(frozen=True, slots=True)
class Again:
    """What came of running the upgrade once more.

    Attributes:
        cuts: None where no revision is committed in parts.
    """

    cuts: Cuts | None = None
