"""Three synthetic core systems that write the same kinds of facts in three very different ways; nobody in them is real.

`Zeimu` (tax): CP932 with JIS extensions and 外字, headings, era dates packed with an era digit, a quoted line break.
`Kaigo` (care insurance): UTF-8 with a mark, tabs, 令和 dates in words, amounts with commas.
`Suido` (water): CP932 without headings, record types with head and tail lines, signs behind amounts, full-width digits.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from db.reference.calendar import era_date

FIRST = 9_000_000_000


@dataclass(frozen=True)
class Person:
    """Somebody in the core systems."""

    number: str
    name: str
    kana: str
    born: date
    town: str
    phone: str


@dataclass(frozen=True)
class Bill:
    """One installment."""

    person: Person
    notice: str
    number: int
    due: date
    amount: int
    unpaid: int


@dataclass(frozen=True)
class Receipt:
    """One payment; negative where it was taken back."""

    reference: str
    bill: Bill
    on: date
    amount: int
    late: int = 0


@dataclass
class City:
    """A small city: `people`, with two bills of four installments each."""

    count: int
    seed: int = 1
    people: list[Person] = field(default_factory=list)
    bills: list[Bill] = field(default_factory=list)

    def __post_init__(self) -> None:
        chosen = random.Random(self.seed)
        names = ("髙橋 一郎", "山﨑 花子", "渡邉 健", "\ue000田 実", "㈱みなと商店", "佐藤 美咲")
        kana = ("ﾀｶﾊｼ ｲﾁﾛｳ", "ﾔﾏｻﾞｷ ﾊﾅｺ", "ﾜﾀﾅﾍﾞ ｹﾝ", "ﾖｼﾀﾞ ﾐﾉﾙ", "ﾐﾅﾄｼﾖｳﾃﾝ", "ｻﾄｳ ﾐｻｷ")
        for at in range(self.count):
            born = date(1950, 1, 1) + timedelta(days=chosen.randrange(18_000))
            phone = f"090-0{at % 1000:03}-{chosen.randrange(10_000):04}"
            self.people.append(
                Person(str(FIRST + at), names[at % 6], kana[at % 6], born, f"見本町{at % 9 + 1}丁目", phone)
            )
        for at, person in enumerate(self.people):
            for part in range(1, 5):
                amount = chosen.randrange(20, 400) * 100
                due = (date(2026, 6, 30), date(2026, 8, 31), date(2026, 11, 2), date(2027, 2, 1))[part - 1]
                self.bills.append(Bill(person, f"{at:07}", part, due, amount, amount))

    def receipts(self, every: int = 3) -> list[Receipt]:
        """Some installments paid in full."""
        return [
            Receipt(f"R{at:08}", bill, date(2026, 11, 20), bill.amount)
            for at, bill in enumerate(self.bills)
            if at % every == 0
        ]


def csv_bytes(rows: Iterable[Sequence[str]], encoding: str, delimiter: str = ",") -> bytes:
    """CSV as core systems write it: everything that needs it in quotes, CRLF."""
    return "".join(delimiter.join(map(_quoted, row)) + "\r\n" for row in rows).encode(encoding)


def packed(day: date) -> str:
    """R8.6.30 as 5080630, S55.5.3 as 3550503."""
    era, first = ("5", 2018) if day >= date(2019, 5, 1) else ("4", 1988) if day >= date(1989, 1, 8) else ("3", 1925)
    return f"{era}{day.year - first:02}{day:%m%d}"


class Zeimu:
    """The tax system."""

    encoding = "cp932"
    people_header = (
        "宛名番号", "個人法人区分", "氏名漢字", "氏名カナ", "生年月日", "郵便番号", "町名", "番地", "方書", "行政区", "送付先住所",
    )  # fmt: skip
    assessments_header = (
        "宛名番号",
        "税目",
        "相当年度",
        "通知書番号",
        "期別",
        "納期限",
        "調定額",
        "未納額",
        "督促発付日",
    )
    payments_header = (
        "収納番号", "宛名番号", "税目", "相当年度", "通知書番号", "期別", "領収日", "収納日", "本税額", "延滞金額", "納付区分",
    )  # fmt: skip

    def people(self, people: Iterable[Person]) -> bytes:
        """The file of people."""
        rows = [
            (
                one.number.lstrip("0"), "2" if "㈱" in one.name else "1", one.name, one.kana, packed(one.born), "000-0001",
                one.town, "２番３号", "見本ハイツ\r\n１０１号" if int(one.number) % 2 else "", "中央", "",
            )
            for one in people
        ]  # fmt: skip
        return csv_bytes([self.people_header, *rows], self.encoding)

    def assessments(self, bills: Iterable[Bill]) -> bytes:
        """The file of arrears."""
        rows = [
            (
                bill.person.number, "01", "508", bill.notice, f"{bill.number:02}", packed(bill.due), str(bill.amount),
                str(bill.unpaid), "0000000",
            )
            for bill in bills
        ]  # fmt: skip
        return csv_bytes([self.assessments_header, *rows], self.encoding)

    def payments(self, receipts: Iterable[Receipt]) -> bytes:
        """The file of a day's payments."""
        rows = [
            (
                one.reference, one.bill.person.number, "01", "508", one.bill.notice, f"{one.bill.number:02}", packed(one.on),
                packed(one.on + timedelta(days=3)), str(one.amount - one.late), str(one.late), "3",
            )
            for one in receipts
        ]  # fmt: skip
        return csv_bytes([self.payments_header, *rows], self.encoding)

    def households(self, people: Iterable[Person]) -> bytes:
        """The file of households: two people each."""
        rows = [(one.number, f"H{int(one.number) // 2}", "世帯主") for one in people]
        return csv_bytes([("宛名番号", "世帯番号", "続柄"), *rows], self.encoding)

    def phones(self, people: Iterable[Person]) -> bytes:
        """The file of telephone numbers."""
        rows = [(one.number, one.phone, "1", "1") for one in people]
        return csv_bytes([("宛名番号", "電話番号", "区分", "優先順位"), *rows], self.encoding)

    def flags(self, flags: Iterable[tuple[Person, str]]) -> bytes:
        """The file of circumstances."""
        rows = [(one.number, code, "00", "5080401", "9999999", "受付") for one, code in flags]
        header = ("宛名番号", "注記コード", "対象業務", "開始年月日", "終了年月日", "摘要")
        return csv_bytes([header, *rows], self.encoding)


class Kaigo:
    """The care insurance system."""

    encoding = "utf-8-sig"

    def assessments(self, bills: Iterable[Bill]) -> bytes:
        """The file of arrears."""
        rows = [
            (bill.person.number, "令和8年度", bill.notice, str(bill.number), era_date(bill.due), f"{bill.amount:,}")
            for bill in bills
        ]
        header = ("被保険者宛名", "年度", "賦課番号", "期", "納期限", "保険料額")
        return csv_bytes([header, *rows], self.encoding, "\t")

    def payments(self, receipts: Iterable[Receipt]) -> bytes:
        """The file of payments."""
        rows = [
            (
                one.bill.person.number, "令和8年度", one.bill.notice, str(one.bill.number), era_date(one.on),
                f"{one.amount:,}", "コンビニ",
            )
            for one in receipts
        ]  # fmt: skip
        header = ("被保険者宛名", "年度", "賦課番号", "期", "納付日", "納付額", "納付場所")
        return csv_bytes([header, *rows], self.encoding, "\t")


class Suido:
    """The water works' system."""

    encoding = "cp932"

    def assessments(self, bills: Iterable[Bill]) -> bytes:
        """The file of unpaid bills."""
        rows = [
            (
                "2", bill.notice, bill.person.number, "2026", str(bill.number), f"{bill.due:%Y%m%d}", _wide(str(bill.amount)),
                _wide(str(bill.unpaid)),
            )
            for bill in bills
        ]  # fmt: skip
        return csv_bytes([("1", "20261123", "未収"), *rows, ("9", str(len(rows)))], self.encoding)

    def payments(self, receipts: Iterable[Receipt]) -> bytes:
        """The file of payments; the sign stands behind."""
        rows = [
            (
                "2", one.bill.notice, one.bill.person.number, "2026", str(one.bill.number), f"{one.on:%Y/%m/%d}",
                f"{abs(one.amount):08}{'-' if one.amount < 0 else ''}", one.reference,
            )
            for one in receipts
        ]  # fmt: skip
        return csv_bytes([("1", "20261123", "入金"), *rows, ("9", str(len(rows)))], self.encoding)


def _wide(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if char.isdigit() else char for char in text)


def _quoted(text: str) -> str:
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if any(char in text for char in ',"\r\n\t') else text
