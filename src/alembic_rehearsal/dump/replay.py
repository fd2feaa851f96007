"""A dump's statements, played into throw-away databases in one pass over the stream."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from alembic_rehearsal.dump import faults, refuse
from alembic_rehearsal.dump.databases import connect_target, created_name
from alembic_rehearsal.dump.decision import Decision, Way
from alembic_rehearsal.dump.rules import Rules
from alembic_rehearsal.dump.script import Copy, Meta, Scanner, Statement
from alembic_rehearsal.dump.section import Section
from alembic_rehearsal.dump.server import RESTORER, Server
from alembic_rehearsal.dump.wanted import Rows
from alembic_rehearsal.model import Endpoint

_HARMLESS_META = re.compile(rb"\\(?:restrict|unrestrict|encoding)\s+\S+\Z")
_PROGRESS_EVERY = 2000


class Replay:
    """Plays one dump.

    Attributes:
        sections: the databases of the dump, by its names, in order.
        passed_over: databases in which something would have been restored, had not another one been asked for.
        notes: for the report, each once.
    """

    def __init__(
        self,
        server: Server,
        admin: Endpoint,
        place: faults.Place,
        *,
        first: str,
        only: str | None,
        include: Sequence[str],
        progress: Callable[[str], None],
    ) -> None:
        self._server = server
        self._admin = admin
        self._place = place
        self._only = only
        self._include = tuple(include)
        self._progress = progress
        self.sections: dict[str, Section] = {}
        self.passed_over: set[str] = set()
        self.notes: dict[str, None] = {}
        self._section = self._enter(first)

    def run(self, scanner: Scanner) -> None:
        """Play all of it.

        Raises:
            DumpError: the first statement that failed, or the dump is cut off.
        """
        try:
            for count, item in enumerate(scanner):
                if isinstance(item, Statement):
                    self._statement(item, scanner)
                elif isinstance(item, Copy):
                    self._copy(item)
                else:
                    self._meta(item)
                if count % _PROGRESS_EVERY == _PROGRESS_EVERY - 1:
                    self._progress(f"restoring, line {scanner.line}")
            self._section.leave()
        finally:
            self._section.abandon()

    def _enter(self, name: str) -> Section:
        if name not in self.sections:
            rules = Rules(self._server.version, self._server.settings, Rows(self._include), RESTORER)
            self.sections[name] = Section(name, rules, self._server, self._admin, self._place)
        section = self.sections[name]
        self._place.left_out = section.rules.rows.left_out
        self._place.database = name if sum(one.opened for one in self.sections.values()) else ""
        return section

    def _meta(self, meta: Meta) -> None:
        if _HARMLESS_META.match(meta.text):
            return
        target = connect_target(meta)
        if target is None:
            raise refuse.meta_command(meta.line, meta.text)
        self._server.databases.named = True
        if target != self._section.name:
            self._section.leave()
            self._section = self._enter(target)
            self._progress(f"restoring database {target}")

    def _statement(self, statement: Statement, scanner: Scanner) -> None:
        if b"\0" in statement.text:
            raise refuse.not_text(statement.line)
        decision = self._section.rules.decide(statement)
        if decision.way is Way.SKIP:
            if decision.note:
                self.notes[decision.note] = None
            if decision.text:
                scanner.skip_alike(decision.text)
        elif decision.way is Way.SETTING:
            self._section.set(statement, decision)
        elif not self._concerns_another(statement, decision):
            self._execute(statement, decision)

    def _execute(self, statement: Statement, decision: Decision) -> None:
        if not self._server.ensure_roles(decision.roles):
            self.notes[f"left out, this server has no such role: {refuse.excerpt(statement.text, 80)}"] = None
            return
        if decision.way is Way.AS_ROLE:
            self._server.lend_rights(decision.roles)
        on_server = decision.way in (Way.SERVER, Way.DATABASE)
        done = self._server.run(statement, decision) if on_server else self._section.send(statement, decision)
        if not done:
            self.notes[decision.note] = None

    def _concerns_another(self, statement: Statement, decision: Decision) -> bool:
        """Tell whether it is about another database than the one that was asked for."""
        if decision.way is Way.DATABASE:
            return self._only not in (None, created_name(statement.text))
        return decision.way is not Way.SERVER and self._passes_over(self._section.name)

    def _copy(self, block: Copy) -> None:
        if self._passes_over(self._section.name):
            return
        rows = self._section.rules.rows
        if rows.wants(block.table, block.columns):
            self._section.copy(block)
            return
        block.rows.skip()
        record = rows.found_none if block.rows.empty else rows.leave_out
        record(block.table)

    def _passes_over(self, name: str) -> bool:
        if self._only is None or name == self._only:
            return False
        self.passed_over.add(name)
        return True
