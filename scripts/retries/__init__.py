"""Real revisions that are not one transaction, killed at every commit by bare hands and by the tool: do they agree?"""

from __future__ import annotations

CASES: tuple[tuple[str, str], ...] = (
    ("prefect", "41e5ed9e1034"),
    ("prefect", "8caf7c1fd82c"),
    ("prefect", "a03d00b8e275"),
    ("prefect", "bad1e352c597"),
    ("prefect", "c8d5f2a71b3e"),
    ("langflow", "a1b2c9d3e4f5"),
    ("langflow", "c7412b389256"),
    ("dagster", ""),
)
"""Project and the revision that production is taken to from the one before; "" for all that are pending."""
