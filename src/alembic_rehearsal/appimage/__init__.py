"""The application's own image: the project is found in it, and its command runs in a container of it.

The command's container shares the network of the throw-away server's, which has no other: production is out of reach
for whatever the command does, in any language.
"""

from __future__ import annotations

from alembic_rehearsal.appimage.container import started
from alembic_rehearsal.appimage.find import find

__all__ = ["find", "started"]
