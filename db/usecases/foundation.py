"""What every office starts with: levels of rights, dispositions, tax items and rate profiles.

`lay` is run by every upgrade. It adds what is missing and never changes a row that is there, because an office edits them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, insert, select
from sqlalchemy.orm import InstrumentedAttribute

from db.rules.latecharge import NO_CHARGE, STATUTORY, RateProfile
from db.rules.terms import AnsweredBy, Area, Channel, LegalClass, Retry, Right
from db.schema import claims
from db.schema.claims import TaxItem
from db.schema.contacts import Disposition
from db.schema.staff import AccessHead, Level, LevelRight
from db.store.access_log import FIRST

_OPERATOR: Final = frozenset({Right.DEBTOR_VIEW, Right.CALL, Right.SMS, Right.RESULT_RECORD, Right.PROMISE_OFFER})
_CITY_OPERATOR: Final = _OPERATOR | {Right.ARREARS_VIEW}
_OFFICER: Final = _CITY_OPERATOR | {
    Right.PROMISE_DECIDE,
    Right.RECALL_ANYONE,
    Right.PERSON_MERGE,
    Right.RECORDING_PLAY,
    Right.RECORDING_HOLD,
    Right.DOCUMENT_MAKE,
    Right.EXTRACT,
    Right.SMS_BATCH,
    Right.EXPORT,
    Right.PROTECTED_VIEW,
    Right.WORKFLOW_VIEW,
}
_SUPERVISOR: Final = _OFFICER | {
    Right.FLOOR_VIEW,
    Right.FLOOR_ACT,
    Right.CALL_MONITOR,
    Right.CAMPAIGN_RUN,
    Right.REPORT_VIEW,
    Right.RULES_EDIT,
    Right.ASSIGN,
}

LEVELS: Final[Mapping[str, tuple[str, frozenset[Right]]]] = {
    "contracted_operator": ("委託オペレーター", _OPERATOR),
    "operator": ("オペレーター", _CITY_OPERATOR),
    "officer": ("徴収職員", _OFFICER),
    "supervisor": ("管理者", _SUPERVISOR),
    "system_admin": ("システム管理者", frozenset({Right.USER_ADMIN, Right.IMPORT, Right.AUDIT_VIEW})),
    "pbx_admin": ("PBX管理者", frozenset({Right.PBX_ADMIN})),
    "auditor": ("監査担当", frozenset({Right.AUDIT_VIEW})),
}

_CALLS: Final = f"{Channel.CALL_OUT} {Channel.CALL_IN}"
_OUT: Final = f"{Channel.CALL_OUT}"

DISPOSITIONS: Final[Sequence[tuple[str, str, str, AnsweredBy, Retry, int | None]]] = (
    ("talked_self", "本人と通話", _CALLS, AnsweredBy.SELF, Retry.NONE, 1),
    ("talked_family", "家族と通話", _CALLS, AnsweredBy.FAMILY, Retry.OTHER_BAND, 2),
    ("voicemail", "留守番電話", _OUT, AnsweredBy.NOBODY, Retry.OTHER_BAND, 3),
    ("no_answer", "不在", _OUT, AnsweredBy.NOBODY, Retry.LATER, 4),
    ("busy", "話中", _OUT, AnsweredBy.NOBODY, Retry.SOON, 5),
    ("unallocated", "欠番", _OUT, AnsweredBy.NOBODY, Retry.NUMBER_RESEARCH, 6),
    ("wrong_person", "他人の番号", _CALLS, AnsweredBy.THIRD_PARTY, Retry.NUMBER_RESEARCH, 7),
    ("talked_spouse", "配偶者", _CALLS, AnsweredBy.SPOUSE, Retry.OTHER_BAND, 8),
    ("refused", "切断・拒否", _CALLS, AnsweredBy.UNKNOWN, Retry.OTHER_BAND, 9),
    ("talked_third", "第三者と通話", _CALLS, AnsweredBy.THIRD_PARTY, Retry.OTHER_BAND, None),
    ("trunk_fault", "回線障害", _OUT, AnsweredBy.NOBODY, Retry.SOON, None),
    ("outcome_unknown", "結果不明", _CALLS, AnsweredBy.UNKNOWN, Retry.NONE, None),
    ("sms_sent", "SMS送信", Channel.SMS, AnsweredBy.NOBODY, Retry.NONE, None),
    ("letter_sent", "文書発送", Channel.LETTER, AnsweredBy.NOBODY, Retry.NONE, None),
    ("visit_met", "面談", Channel.VISIT, AnsweredBy.SELF, Retry.NONE, None),
    ("visit_absent", "訪問不在", Channel.VISIT, AnsweredBy.NOBODY, Retry.OTHER_BAND, None),
    ("visit_moved", "転居", Channel.VISIT, AnsweredBy.NOBODY, Retry.NONE, None),
    ("counter_talk", "窓口相談", Channel.COUNTER, AnsweredBy.SELF, Retry.NONE, None),
    ("abandoned", "放棄呼", "", AnsweredBy.UNKNOWN, Retry.OTHER_BAND, None),
)

_YEARS_5: Final = 5
_YEARS_2: Final = 2

TAX_ITEMS: Final[Sequence[tuple[str, str, Area, LegalClass, bool, int]]] = (
    ("resident_ordinary", "市県民税（普通徴収）", Area.TAX, LegalClass.TAX, True, _YEARS_5),
    ("resident_special", "市県民税（特別徴収）", Area.TAX, LegalClass.TAX, True, _YEARS_5),
    ("corporate", "法人市民税", Area.TAX, LegalClass.TAX, True, _YEARS_5),
    ("property", "固定資産税・都市計画税", Area.TAX, LegalClass.TAX, True, _YEARS_5),
    ("light_vehicle", "軽自動車税（種別割）", Area.TAX, LegalClass.TAX, True, _YEARS_5),
    ("health_tax", "国民健康保険税", Area.TAX, LegalClass.TAX, True, _YEARS_5),
    ("care", "介護保険料", Area.PUBLIC, LegalClass.COMPULSORY_PUBLIC, True, _YEARS_2),
    ("elderly", "後期高齢者医療保険料", Area.PUBLIC, LegalClass.COMPULSORY_PUBLIC, True, _YEARS_2),
    ("childcare", "保育料", Area.PUBLIC, LegalClass.COMPULSORY_PUBLIC, True, _YEARS_5),
    ("sewer", "下水道使用料", Area.PUBLIC, LegalClass.COMPULSORY_PUBLIC, True, _YEARS_5),
    ("welfare_return", "生活保護費返還金", Area.PUBLIC, LegalClass.OTHER_PUBLIC, False, _YEARS_5),
    ("water", "水道料金", Area.PRIVATE, LegalClass.PRIVATE, False, _YEARS_5),
    ("housing", "市営住宅使用料", Area.PRIVATE, LegalClass.PRIVATE, False, _YEARS_5),
    ("school_lunch", "学校給食費", Area.PRIVATE, LegalClass.PRIVATE, False, _YEARS_5),
    ("loan", "貸付金", Area.PRIVATE, LegalClass.PRIVATE, False, _YEARS_5),
)


def lay(tx: Connection) -> None:
    """Add what is missing of the rows that the system cannot work without. Changes nothing that is there."""
    levels = [
        {"code": code, "name": name, "rank": rank} for rank, (code, (name, _)) in enumerate(LEVELS.items(), start=1)
    ]
    for added in _add(tx, Level.code, levels):
        rights = [{"level_code": added, "right": right} for right in sorted(LEVELS[added][1])]
        tx.execute(insert(LevelRight), rights)
    _add(tx, Disposition.code, [
        {"code": code, "name": name, "channels": channels, "answered_by": who, "retry": retry, "key": key, "rank": rank}
        for rank, (code, name, channels, who, retry, key) in enumerate(DISPOSITIONS, start=1)
    ])  # fmt: skip
    profiles = {"statutory": ("地方税法の延滞金", STATUTORY), "none": ("延滞金なし", NO_CHARGE)}
    for added in _add(tx, claims.RateProfile.code, [_profile(c, n, p) for c, (n, p) in profiles.items()]):
        tx.execute(insert(claims.RateYears), _rates(added, profiles[added][1]))
    _add(tx, TaxItem.code, [
        {"code": code, "name": name, "area": area, "legal_class": legal, "rate_profile": "statutory" if charged else "none",
         "limitation_years": years, "rank": rank}
        for rank, (code, name, area, legal, charged, years) in enumerate(TAX_ITEMS, start=1)
    ])  # fmt: skip
    _add(tx, AccessHead.id, [{"id": 1, "seq": 0, "chain": FIRST}])


def _add(tx: Connection, key: InstrumentedAttribute[Any], rows: Sequence[Mapping[str, object]]) -> list[Any]:
    """Insert those rows whose key is not there yet; returns the keys added."""
    present = set(tx.execute(select(key)).scalars())
    missing = [dict(row) for row in rows if row[key.key] not in present]
    if missing:
        tx.execute(insert(key.class_), missing)
    return [row[key.key] for row in missing]


def _profile(code: str, name: str, profile: RateProfile) -> dict[str, object]:
    return {
        "code": code,
        "name": name,
        "min_principal": profile.min_principal,
        "base_unit": profile.base_unit,
        "cut_unit": profile.cut_unit,
        "floor": profile.floor,
        "rounding": profile.rounding.value,
        "first_band_months": profile.first_band_months,
    }


def _rates(code: str, profile: RateProfile) -> list[dict[str, object]]:
    return [
        {
            "profile_code": code,
            "first_year": years.first_year,
            "last_year": years.last_year,
            "first_band": years.first_band,
            "second_band": years.second_band,
        }
        for years in profile.rates
    ]
