"""Letters to a list of targets (文書の宛名, T8): who of it may be written to, and where, for mail merge.

The rule of contact is asked when it is counted and again when the file is written, never taken from the count. What is read
is logged by a function of its own in another transaction, before it is shown or sent, as with extractions. Nothing is noted
on the record: a file is not yet a letter.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from db.rules.terms import Channel, Right
from db.rules.viewer import Viewer
from db.store import access_log, debtors
from db.store.debtors import AddressRow
from db.usecases.eligibility import check_each
from db.usecases.extraction import searching
from db.usecases.office import Office
from db.usecases.target_checks import Judged, Tally, judge
from db.usecases.targets import Listed

NO_ADDRESS: Final = "住所が登録されていないか、表示できないため文書を送付できません。"


@dataclass(frozen=True, slots=True)
class LetterPart:
    """A portion of a list: each case with the reasons against it, addresses by person; `after`: where the next begins."""

    judged: Sequence[Judged]
    addresses: dict[int, AddressRow]
    after: int | None

    @property
    def addressed(self) -> list[Judged]:
        """The cases that are written to; each has an address."""
        return [one for one in self.judged if not one.reasons]

    @property
    def left_out(self) -> list[Judged]:
        """The cases that are not."""
        return [one for one in self.judged if one.reasons]


def read_part(
    tx: Connection, viewer: Viewer, list_id: uuid.UUID, after: int, now: datetime, office: Office
) -> LetterPart:
    """Ask about a portion of a list that the viewer may see (`targets.one`). To be logged before it is shown."""
    viewer.require(Right.EXPORT)
    seer = searching(viewer.within(viewer.areas(Right.EXPORT)))
    judged, following = judge(
        tx, seer, list_id, after, Channel.LETTER, lambda asked: check_each(tx, seer, asked, now, office)
    )
    found = debtors.mailing(tx, seer, {one.case.debtor_id for one in judged if not one.reasons}, office.today(now))
    judged = [
        one if one.reasons or one.case.debtor_id in found else replace(one, reasons=(NO_ADDRESS,)) for one in judged
    ]
    return LetterPart(judged, found, following)


def log_count(tx: Connection, viewer: Viewer, fixed: Listed, tally: Tally, now: datetime) -> None:
    """Note that somebody learnt how many of a list may be written to."""
    access_log.append(
        tx, viewer, now, "letters.count", detail=f"「{fixed.name}」可{tally.free:,}件・除外{tally.left_out:,}件"
    )


def log_export(tx: Connection, viewer: Viewer, fixed: Listed, what: str, encoding: str, now: datetime) -> None:
    """Note that a file is made, before its first line is."""
    viewer.require(Right.EXPORT)
    access_log.append(tx, viewer, now, "letters.export", detail=f"「{fixed.name}」{what} {encoding}")


def log_part(tx: Connection, viewer: Viewer, part: LetterPart, now: datetime, *, left_out: bool) -> None:
    """Note everybody of a part of the file (of those left out, or of those written to), before it is sent."""
    action = "letters.left_out" if left_out else "letters.addressed"
    said = "文書の宛名から除外した方のCSVに出力" if left_out else "文書の宛名のCSVに出力"
    people = [one.case.debtor_id for one in (part.left_out if left_out else part.addressed)]
    access_log.append_each(tx, viewer, now, action, list(dict.fromkeys(people)), said)
