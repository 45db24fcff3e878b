"""What each kind of import file can hold: its fields, which of them must be there, and what makes a line the same line."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from db.rules.terms import Area, FlagKind, ImportKind, PersonKind, PhoneOwner, Term


class Form(Enum):
    """How the text of a field is read."""

    TEXT = auto()
    NOTE = auto()
    CODE = auto()
    DATE = auto()
    YEAR = auto()
    YEN = auto()
    SIGNED_YEN = auto()
    COUNT = auto()
    PHONE = auto()
    ITEM = auto()
    CHOICE = auto()


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name in a mapping, its Japanese for people, its form. `terms`: what a CHOICE chooses from."""

    name: str
    label: str
    form: Form
    required: bool = False
    terms: type[Term] | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file. `key`: the fields that name a line; `full`: a file may be the whole, so that what it lacks ends."""

    fields: tuple[Field, ...]
    key: tuple[str, ...]
    full: bool = True

    def position(self, name: str) -> int:
        """Where the value of a field stands in a line that was read."""
        return next(number for number, field in enumerate(self.fields) if field.name == name)


_PERSON: Final = Field("person", "宛名番号", Form.CODE, required=True)
_ITEM: Final = Field("item", "税目・料目", Form.ITEM, required=True)
_YEAR: Final = Field("fiscal_year", "賦課年度", Form.YEAR, required=True)
_NOTICE: Final = Field("notice_number", "通知書番号", Form.CODE, required=True)
_NUMBER: Final = Field("number", "期別", Form.COUNT, required=True)

KINDS: Final[Mapping[ImportKind, Kind]] = {
    ImportKind.PEOPLE: Kind(
        (
            _PERSON,
            Field("name", "氏名", Form.TEXT, required=True),
            Field("kana", "カナ", Form.TEXT),
            Field("kind", "個人・法人", Form.CHOICE, terms=PersonKind),
            Field("birth_date", "生年月日", Form.DATE),
            Field("language", "言語", Form.CODE),
            Field("postal_code", "郵便番号", Form.CODE),
            Field("town", "町名", Form.TEXT),
            Field("block", "番地", Form.TEXT),
            Field("building", "方書", Form.TEXT),
            Field("district", "地区", Form.TEXT),
            Field("mailing_postal_code", "送付先郵便番号", Form.CODE),
            Field("mailing_town", "送付先町名", Form.TEXT),
            Field("mailing_block", "送付先番地", Form.TEXT),
            Field("mailing_building", "送付先方書", Form.TEXT),
        ),
        ("person",),
    ),
    ImportKind.ASSESSMENTS: Kind(
        (
            _PERSON,
            _ITEM,
            _YEAR,
            _NOTICE,
            _NUMBER,
            Field("due_on", "納期限", Form.DATE, required=True),
            Field("principal", "税額", Form.YEN, required=True),
            Field("outstanding", "未納額", Form.YEN),
            Field("reminder_sent_on", "督促状発送日", Form.DATE),
        ),
        ("item", "fiscal_year", "notice_number", "number"),
    ),
    ImportKind.PAYMENTS: Kind(
        (
            _PERSON,
            Field("reference", "収納番号", Form.CODE),
            _ITEM,
            _YEAR,
            _NOTICE,
            _NUMBER,
            Field("paid_on", "納付日", Form.DATE, required=True),
            Field("reported_on", "収納日", Form.DATE),
            Field("amount", "収納額", Form.SIGNED_YEN, required=True),
            Field("late_charge", "うち延滞金", Form.SIGNED_YEN),
            Field("place", "納付場所", Form.TEXT),
        ),
        ("reference", "item", "fiscal_year", "notice_number", "number", "paid_on", "amount"),
        full=False,
    ),
    ImportKind.HOUSEHOLDS: Kind(
        (
            _PERSON,
            Field("household", "世帯番号", Form.CODE, required=True),
            Field("role", "続柄", Form.TEXT),
        ),
        ("person",),
    ),
    ImportKind.PHONES: Kind(
        (
            _PERSON,
            Field("phone", "電話番号", Form.PHONE, required=True),
            Field("owner", "電話の持ち主", Form.CHOICE, terms=PhoneOwner),
            Field("rank", "優先順位", Form.COUNT),
        ),
        ("person", "phone"),
    ),
    ImportKind.FLAGS: Kind(
        (
            _PERSON,
            Field("flag", "注意情報", Form.CHOICE, required=True, terms=FlagKind),
            Field("area", "業務区分", Form.CHOICE, terms=Area),
            Field("valid_from", "開始日", Form.DATE),
            Field("valid_to", "終了日", Form.DATE),
            Field("note", "備考", Form.NOTE),
        ),
        ("person", "flag", "area", "valid_from"),
    ),
}
"""Payments are never a whole: what happened does not end by not being told again, it is taken back by a negative line."""
