"""The office's own phrases for negotiation notes (T7): for each business area, edited by supervisors, offered while typing
with those first that are used most.

The list of an area is a row of `office_setting` that is never changed; the newest is in force. How often a phrase was used
is counted when a note is saved, so that typing never waits for it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from db.outbox import publish
from db.rules.eligibility import DEBT_AREAS
from db.rules.terms import Area, Right
from db.rules.viewer import Viewer
from db.schema.contacts import PhraseUse
from db.store import access_log, office

TOPIC: Final = "office"
KEY: Final = "note_phrases"
MOST: Final = 60
"""So many phrases an area may have: more are found more slowly than they are typed."""
LONGEST: Final = 100

DEBT_PHRASES: Final = (
    "納付書の再送を希望。",
    "給料日後に納付するとのこと。",
    "分割納付を希望。収支を聴取。",
    "すでに納付したとのこと。領収日を確認。",
    "口座振替を案内。",
    "失業中。求職状況を聴取。",
    "病気療養中。",
    "本人不在。折り返しを依頼。",
    "帰宅時刻を確認。",
    "伝言を依頼。用件は伝えていない。",
    "留守番電話。伝言は残していない。",
    "呼出音のみ。応答なし。",
    "納税相談に来庁するよう案内。",
    "転居の申出。新住所を聴取。",
)
OTHER_PHRASES: Final = (
    "本人不在。折り返しを依頼。",
    "帰宅時刻を確認。",
    "伝言を依頼。用件は伝えていない。",
    "留守番電話。伝言は残していない。",
    "呼出音のみ。応答なし。",
    "資料の送付を希望。",
)
"""What an area has until its supervisors set their own."""


class PhrasesError(Exception):
    """The list cannot be set so; `fields` says what is wrong."""

    code = "phrases"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.fields = {"phrases": message}


def phrases(tx: Connection, area: Area) -> list[str]:
    """The phrases of an area as its supervisors ordered them."""
    own = office.value(tx, f"{KEY}.{area}")
    return list(own if own is not None else DEBT_PHRASES if area in DEBT_AREAS else OTHER_PHRASES)


def note_phrases(tx: Connection, area: Area) -> list[str]:
    """The phrases of an area for completion: the most used first, of equals in the office's order."""
    used = uses(tx, area)
    return sorted(phrases(tx, area), key=lambda phrase: -used.get(phrase, 0))


def uses(tx: Connection, area: Area) -> dict[str, int]:
    """How often each phrase was used in an area; those never used are not there."""
    return {row.phrase: row.uses for row in tx.execute(_USES, {"area": area})}


_USES: Final = select(PhraseUse.phrase, PhraseUse.uses).where(PhraseUse.area == bindparam("area"))


def count(tx: Connection, area: Area, note: str) -> None:
    """Count the phrases that a saved note is made of."""
    upsert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    for phrase in sorted(phrase for phrase in phrases(tx, area) if phrase in note):
        new = upsert(PhraseUse).values(area=area, phrase=phrase, uses=1)
        tx.execute(new.on_conflict_do_update(index_elements=["area", "phrase"], set_={"uses": PhraseUse.uses + 1}))


def change(tx: Connection, viewer: Viewer, area: Area, typed: str, now: datetime) -> Sequence[str]:
    """Set the phrases of an area, one a line; returns them. Raises NotAllowedError, PhrasesError."""
    viewer.require(Right.RULES_EDIT, area)
    lines = list(dict.fromkeys(" ".join(line.split()) for line in typed.replace("\0", "").splitlines()))
    wanted = [line for line in lines if line]
    if not wanted:
        raise PhrasesError("定型文を1行に1つ入力してください。")
    if len(wanted) > MOST:
        raise PhrasesError(f"定型文は{MOST}件までです（現在{len(wanted)}件）。")
    if long := next((line for line in wanted if len(line) > LONGEST), None):
        raise PhrasesError(f"1つの定型文は{LONGEST}文字までです：{long[:20]}…")
    before = phrases(tx, area)
    if wanted != before:
        office.put(tx, viewer, f"{KEY}.{area}", wanted, now)
        detail = f"{area.label} 追加{len(set(wanted) - set(before))}件・削除{len(set(before) - set(wanted))}件"
        access_log.append(tx, viewer, now, "phrases.change", detail=detail)
        publish(tx, now, TOPIC, f"{KEY}.{area}")
    return wanted
