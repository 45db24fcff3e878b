"""What the operator says, by who is on the line.

Until identity is confirmed nothing is said but the city's name and the person's name: no tax, no debt, no payment
(a third party who overheard it would learn of the debt). After it, the words depend on the business area.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from db.rules.terms import Area


@dataclass(frozen=True, slots=True)
class Script:
    """One script: for whom, and the sentences in order."""

    who: str
    lines: tuple[str, ...]


_MATTERS: Final[Mapping[Area, str]] = {
    Area.TAX: "市税の納付についてお電話しました。",
    Area.PUBLIC: "保険料などの納付についてお電話しました。",
    Area.PRIVATE: "使用料などのお支払いについてお電話しました。",
    Area.HEALTH: "特定健診のご案内でお電話しました。",
    Area.SURVEY: "アンケートへのご協力をお願いしたくお電話しました。",
}
_ASK: Final[Mapping[bool, tuple[str, ...]]] = {
    True: ("納期限を過ぎている分があります。行き違いでお納めでしたらご容赦ください。", "いつ頃お納めいただけますか。"),
    False: (),
}


def scripts(area: Area, *, identified: bool, office_name: str, person_name: str, staff_name: str) -> tuple[Script, ...]:
    """The scripts to offer now."""
    if identified:
        asks = _ASK[area in {Area.TAX, Area.PUBLIC, Area.PRIVATE}]
        return (Script("本人（確認済み）", (_MATTERS[area], *asks)),)
    return (
        Script(
            "本人",
            (
                f"{office_name}の{staff_name}と申します。{person_name}様でいらっしゃいますか。",
                "ご本人の確認のため、お名前・生年月日・ご住所をお願いします。",
            ),
        ),
        Script(
            "家族・第三者",
            (
                f"{office_name}の{staff_name}と申します。{person_name}様はご在宅でしょうか。",
                "（不在）改めてお電話します。お帰りは何時頃でしょうか。用件はご本人にお伝えします。",
            ),
        ),
        Script("留守番電話", ("伝言は残さず、切断してください。",)),
    )
