"""What makes two findings of two runs the same one."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator

from alembic_rehearsal.model import Finding


def fingerprints(found: Iterable[Finding]) -> Iterator[str]:
    """Yield one of 64 hexadecimal digits for each of *found*, each once.

    It stays when the code moves and when numbers of a message change, and it differs for the second of two findings
    that are otherwise equal.
    """
    seen: dict[str, int] = {}
    for finding in found:
        # The file's line is left out, and the message where SQL says what it is about: both change from run to run.
        about = finding.sql or re.sub(r"\d+", "0", finding.message)
        parts = (finding.check, finding.revision, finding.sqlstate, " ".join(about.split()))
        key = json.dumps(parts)
        seen[key] = seen.get(key, 0) + 1
        yield hashlib.sha256(f"{key}{seen[key]}".encode()).hexdigest()
