"""Reports whose every text was written by somebody who wants it to be more than text."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from test_text import FINDING, REPORT

from alembic_rehearsal.model import Finding, Location, Remedy, Report, RevisionLine, Severity, Trial, Verdict

SNIPPETS = (
    "::error::owned",
    "x ##[error]owned",
    "##[add-mask]a",
    "\r::set-output name=verdict::pass\r\n::error::x",
    "\n  ::warning file=a::x",
    "%0A::error::x",
    "%25 %0D , : ;",
    "]]>",
    "</details><script>alert(1)</script><img src=x onerror=y>",
    "<!-- alembic-rehearsal -->",
    "`` ``` ```` ~~~ `````",
    "\n```\n# out\n```sql\n",
    "a | b \\| c \\\\| d |---|",
    "@team @org/team #12 GH-7 https://evil.example www.evil.example a@b.example",
    "![x](https://evil.example/x.png) [y](javascript:z) <https://evil.example> [z]: /url",
    "# heading\n- item\n1. one\n> quote\n===\n---\n\tcode",
    '"] --> x["<b>end</b>" #35; ;;; %%{init: {}}%% click x href "y"',
    "\0\x01\x1b[31m\x7f\x85\u2028\u202e\ufffe\ud800\udfff",
    "\N{PILE OF POO}\N{ZERO WIDTH JOINER}\N{COMBINING ACUTE ACCENT}",
    "remove [/api] prefix [users] [link=https://evil.example]x[/link] [bold",
    "${{ secrets.X }} $a$ *b* _c_ ~~d~~ \\e",
)
HUGE = ("@|`\N{PILE OF POO}##[error]\r\n::error::" * 160_000)[:5_000_000]

texts = st.one_of(
    st.text(st.characters(), max_size=40),
    st.lists(st.sampled_from(SNIPPETS), max_size=4).map("".join),
    st.sampled_from(SNIPPETS),
)
_lines = st.lists(texts, max_size=3).map(tuple)
locations = st.one_of(
    st.none(), st.builds(Location, path=texts, line=st.one_of(st.none(), st.integers(1, 9999)), function=texts)
)
remedies = st.builds(
    Remedy,
    kind=texts,
    text=texts,
    trial=st.builds(Trial, outcome=st.sampled_from(["passed", "failed", "not tried"]), on=_lines, reason=texts),
    diff=st.one_of(st.just(""), texts.map("--- a/x\n+++ b/x\n".__add__)),
    command=texts,
    notes=_lines,
)
findings = st.builds(
    Finding,
    check=st.sampled_from(["upgrade-failed", "rows-missing", "a-check-of-tomorrow"]),
    severity=st.sampled_from(Severity),
    message=texts,
    evidence=_lines,
    fix=texts,
    location=locations,
    revision=texts,
    sqlstate=texts,
    sql=texts,
    conditional_on=st.booleans(),
    folded=_lines,
    remedies=st.lists(remedies, max_size=2).map(tuple),
)
_outcomes = st.sampled_from(["applied", "rolled back", "failed", "half-applied", "not reached", "::error::"])
_revisions = st.builds(
    RevisionLine,
    revision=texts,
    message=texts,
    outcome=_outcomes,
    duration_ms=st.one_of(st.none(), st.floats(0, 1e6)),
    down_revisions=_lines,
)
reports = st.builds(
    replace,
    st.just(REPORT),
    verdict=st.sampled_from(Verdict),
    command=_lines,
    from_revisions=_lines,
    revisions=st.lists(_revisions, max_size=6).map(tuple),
    findings=st.lists(findings, max_size=6).map(tuple),
    state_left=_lines,
    notes=_lines,
    not_tested=_lines,
    timings=st.dictionaries(texts, st.floats(0, 1e4), max_size=3),
)


def filled(text: str, *, findings: int = 3, revisions: int = 3) -> Report:
    """Return a blocked report that has *text* wherever there is any."""
    finding = replace(
        FINDING,
        message=text,
        evidence=(text,) * 30,
        fix=text,
        location=Location(text, 3, text),
        revision=text,
        sqlstate=text,
        sql=text,
        folded=(text,) * 30,
        remedies=(Remedy(text, text, Trial("passed", (text,)), diff=text, notes=(text,) * 30),),
    )
    line = RevisionLine(text, text, "failed", 1.0, (text,))
    return replace(
        REPORT,
        command=(text,),
        from_revisions=(text,),
        revisions=(line,) * revisions,
        findings=(finding,) * findings,
        state_left=(text,) * 30,
        notes=(text,) * 30,
        not_tested=(text,) * 30,
        timings={text: 1.0},
    )


def many(number: int, severity: Severity = Severity.ERROR) -> tuple[Finding, ...]:
    """Return *number* findings that differ in their revision."""
    return tuple(replace(FINDING, severity=severity, revision=f"r{index}") for index in range(number))
