"""The report as Markdown, read back by a parser of CommonMark with GitHub's tables."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hostile import HUGE, SNIPPETS, filled, many, reports, texts
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from test_text import FINDING, REPORT

from alembic_rehearsal.model import Report, RevisionLine, Verdict
from alembic_rehearsal.report import markdown
from alembic_rehearsal.report._markup import code, fence, inline
from alembic_rehearsal.report.look import Look

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
BREAK = "\N{ZERO WIDTH SPACE}"


def tokens(page: str) -> list[Token]:
    """Return the blocks of *page*, and in place of each inline token what is in it."""
    found: list[Token] = []
    for token in PARSER.parse(page):
        found += (token.children or []) if token.type == "inline" else [token]
    return found


def assert_ours(page: str, report: Report) -> None:
    """Say that *page* has no structure but that of the reporter."""
    found = tokens(page)
    html = [each.content.strip() for each in found if each.type.startswith("html_")]
    assert html[0] == markdown.MARKER
    assert set(html[1:]) <= {"<code>", "</code>"}
    kinds = {each.type for each in found}
    assert not kinds & {"link_open", "image", "em_open", "s_open", "code_block", "hr", "blockquote_open"}
    assert not kinds & {"ordered_list_open", "lheading_open"}
    headings = [each.tag for each in found if each.type == "heading_open"]
    assert headings.count("h2") == 1
    assert headings.count("h3") <= 7
    assert headings.count("h4") <= len(report.findings)
    assert set(headings) <= {"h2", "h3", "h4"}
    assert {each.info for each in found if each.type == "fence"} <= {"sql", "text", "mermaid", "diff"}
    for each in found:
        if each.type == "text":
            assert not re.search(r"@\w|https?://|www\.|#\d|GH-\d", each.content)


def test_says_what_a_reader_of_a_pull_request_looks_for() -> None:
    """Marker and verdict first; revision, place, SQL, evidence and fix; revisions, time, what was not tested."""
    page = markdown.render(REPORT, Look())

    assert page.startswith("<!-- alembic-rehearsal -->\n\n## ❌ BLOCKED: 1 failure that production would have had")
    for part in (
        "PostgreSQL 15.14, at z51",
        "### What production would be left with\n\n- Production would stay at z51",
        "### What production would have said",
        "#### 1. error: `upgrade-failed` in revision `z52`",
        "At `migrations/versions/z52.py:18 in upgrade()`",
        "- production has table public.sso_sessions",
        "```sql\nCREATE TABLE sso_sessions (\n",
        "- z52.py:30: SQLSTATE 42P01: gone",
        "**Fix (not tried):**\n\n```text\n    op.create_table(",
        "| `z52` | create sso_sessions | failed |  |",
        "```mermaid\n",
        "### What was not tested\n\n- locks under load",
        "### Notes\n\n- a note",
        "| upgrade | 1.2 |",
    ):
        assert part in page
    assert "| judge |" not in page
    assert_ours(page, REPORT)


def test_quiet_leaves_the_findings_and_the_verdict() -> None:
    """--quiet drops the facts, the state and the notes."""
    page = markdown.render(REPORT, Look(quiet=True))

    assert "42P07" in page
    assert "BLOCKED" in page
    assert "a note" not in page
    assert "mermaid" not in page


def test_a_report_without_a_run_has_its_finding() -> None:
    """A dump that can't be read has no server and no command to show."""
    bare = Report(Verdict.NO_VERDICT, (), "", None, None, None, kernel_guard=False, findings=(FINDING,))

    page = markdown.render(bare, Look())

    assert "## ❔ NO VERDICT" in page
    assert "### Why there is no verdict" in page
    assert_ours(page, bare)


def test_the_graph_follows_the_down_revisions() -> None:
    """Branches and merges are drawn as such, on top of production's revision."""
    lines = (
        RevisionLine("a", "x", "applied", 1.0, ("z51",)),
        RevisionLine("b", "", "failed", None, ("z51", "unknown")),
        RevisionLine("m", "", "not reached", None, ("a", "b")),
    )

    page = markdown.render(replace(REPORT, revisions=lines), Look())

    edges = re.findall(r"^\w+ --> \w+$", page, re.MULTILINE)
    assert edges == ["p0 --> r0", "p0 --> r1", "r0 --> r2", "r1 --> r2"]
    assert 'r0["a<br/>x<br/>applied"]:::good' in page
    assert 'r1["b<br/>failed"]:::bad' in page


def test_no_graph_of_a_long_history() -> None:
    """More than twenty revisions would be a thread; more than a hundred are shown by their ends."""
    lines = tuple(RevisionLine(f"r{number}", "", "applied", 1.0) for number in range(300))

    page = markdown.render(replace(REPORT, revisions=lines), Look())

    assert "mermaid" not in page
    assert "| … | 200 more |  |  |" in page
    assert "| `r0` |" in page
    assert "| `r299` |" in page


@pytest.mark.parametrize("text", SNIPPETS)
def test_hostile_text_makes_no_structure(text: str) -> None:
    """No HTML, link, mention, image, heading, cell or fence begins in a text."""
    report = filled(text)

    page = markdown.render(report, Look())

    assert_ours(page, report)
    rows = [each for each in PARSER.parse(page) if each.type == "tr_open"]
    assert len(rows) == 1 + 5 + 1 + 3 + 1 + 1
    for row in PARSER.render(page).split("<tr>")[1:]:
        assert len(re.findall("</t[hd]>", row)) in (2, 4)
    graph = page.partition("```mermaid\n")[2].partition("\n```")[0]
    for line in graph.splitlines()[1:5]:
        assert re.fullmatch(r'[pr]\d(\(\["|\[")([A-Za-z0-9 ]|#\d+;|<br/>)*("\]\)|"\]):?:?:?\w*', line)


@pytest.mark.parametrize("most", [20_000, 65_000, 1_000_000])
@pytest.mark.parametrize("number", [0, 3, 3000])
def test_the_page_has_an_end(most: int, number: int) -> None:
    """It keeps to its size whatever there is to say, counts what it leaves out, and leaves no fence open."""
    report = filled(HUGE, findings=number)

    page = markdown.render(report, Look(most_bytes=most))

    assert len(page.encode()) <= most
    assert "BLOCKED" in page
    assert_ours(page, report)
    shown = len(re.findall("^#### ", page, re.MULTILINE))
    if shown < number:
        assert f"**{number - shown} more finding" in page


def test_many_ordinary_findings_fill_the_summary_of_a_job() -> None:
    """Under the 1 MiB that GitHub takes, with most of it used."""
    page = markdown.render(replace(REPORT, findings=many(5000)), Look())

    assert 600_000 < len(page.encode()) < 1_048_576
    assert "more findings** left out" in page
    assert "### What was not tested" in page


@settings(deadline=None)
@given(report=reports)
def test_any_report_is_a_page_of_ours(report: Report) -> None:
    """Whatever the texts are."""
    assert_ours(markdown.render(report, Look()), report)


@settings(deadline=None)
@given(text=st.one_of(texts, st.text("_a1* `", max_size=20)))
def test_a_text_reads_as_it_was(text: str) -> None:
    """Escaping changes how a text is written and not what is read, but for what links are broken with."""
    shown = "".join(each.content for each in tokens(f"- {inline(text, 400)}\n") if each.type == "text")
    in_code = "".join(each.content for each in tokens(f"x {code(text, 400)}\n")[1:] if each.content[:1] != "<")
    [block] = [each for each in tokens(fence(text, "sql", 400)) if each.type == "fence"]

    visible = re.sub("[^!-~]", "", text)
    assert re.sub("[^!-~]", "", shown) == visible
    assert re.sub("[^!-~]", "", block.content) == visible
    if visible and "<" not in visible:
        assert visible in re.sub("[^!-~]", "", in_code)
