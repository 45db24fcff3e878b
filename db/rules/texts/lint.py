"""What a message must not say (S7): no debt, no amount, no name, no link unless the admin allows it.

A phone is read by others than its owner. Asked of a template while it is written, with its merge fields still in
braces, and again of the finished text, with the person's own names. It looks through width, blanks and kana, so that what
reads as 滞納 to a person is found; where it is in doubt it objects.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

DEBT_WORDS: Final = (
    "税", "滞納", "未納", "未払", "納付", "納入", "納期", "納めて", "分納", "延滞", "督促", "催告", "催促", "差押", "差し押さえ", "公売",
    "換価", "処分", "徴収", "収納", "債権", "債務", "借金", "請求", "支払", "返済", "回収", "保険料", "料金", "残高", "時効", "期限までに",
    "たいのう", "みのう", "のうふ", "えんたい", "とくそく", "さいこく", "さいそく", "さしおさえ", "ちょうしゅう", "ぜいきん", "しはら",
    "おさめて", "せいきゅう", "しゃっきん",
)  # fmt: skip
"""Words that tell whoever reads over a shoulder that money is owed. An assumption that the office adds to."""

_DIGITS: Final = "0-9〇一二三四五六七八九十百千万億"
_AMOUNT: Final = re.compile(rf"[¥\\$][0-9][0-9,.]*|[{_DIGITS}][{_DIGITS},.]*(?:円|えん(?!たい)|yen|jpy)")
_FIELD: Final = re.compile(r"\{[^{}]*\}")
_NAME_FIELD: Final = re.compile("氏名|名前|宛名|姓|世帯主")
_AMOUNT_FIELD: Final = re.compile("額|円|残")
_TITLE: Final = re.compile(
    "(?<![同仕多模有各皆])(?<!お客)(?<!皆)(?<!みな)(?<!本人)(?<!家族)(?<!住民)(?<!市民)(?:様(?![子々式])|殿)"
)
_LINK: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://[^\s、。「」()]+"
    r"|[a-z0-9._%+-]+@[a-z0-9.-]+"
    r"|(?<![a-z0-9])(?:[a-z0-9-]+\.)+[a-z]{2,}(?:[:/?][^\s、。「」()]*)?"
)


@dataclass(frozen=True, slots=True)
class Objection:
    """What is wrong, and where in the text (`start` to before `end`, in characters)."""

    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class LintPolicy:
    """What the office has set: further words not to say, and hosts whose links may be sent (and those below them)."""

    more_words: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


def objections(text: str, policy: LintPolicy, names: Iterable[str] = ()) -> list[Objection]:
    """Everything that keeps `text` from being sent, in its order. `names`: surname, given name and readings of the person."""
    folded = _Folded(text)
    found = [*_debt_words(folded, policy), *_amounts(folded), *_names(folded, names), *_links(text, policy)]
    return sorted(found, key=lambda objection: (objection.start, objection.end))


def names_in(text: str, names: Iterable[str]) -> list[Objection]:
    """Where a text that is fine for anybody else holds the names of the person it is for."""
    return list(_own_names(_Folded(text), names))


class _Folded:
    """A text without width, case, blanks and the difference between the kana, that still knows where each character was."""

    def __init__(self, text: str) -> None:
        self.text = text
        chars: list[str] = []
        self._from: list[int] = []
        self._to: list[int] = []
        for start, end in _characters(text):
            for char in _fold(text[start:end]):
                chars.append(char)
                self._from.append(start)
                self._to.append(end)
        self.folded = "".join(chars)

    def object(self, found: re.Match[str], reason: str) -> Objection:
        """`reason` may quote what was found, as it was written."""
        start, end = self._from[found.start()], self._to[found.end() - 1]
        return Objection(start, end, reason.format(self.text[start:end]))


def _characters(text: str) -> Iterator[tuple[int, int]]:
    """Characters with the marks after them: a half-width kana and its voicing mark fold to one letter."""
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or not (text[at] in "ﾞﾟ" or unicodedata.combining(text[at])):
            yield start, at
            start = at


def _fold(chars: str) -> str:
    plain = unicodedata.normalize("NFKC", chars).casefold()
    return "".join(
        chr(ord(char) - 0x60) if "ァ" <= char <= "ヶ" else char
        for char in plain
        if not (char.isspace() or unicodedata.category(char) in {"Cf", "Mn"})
    )


def _debt_words(text: _Folded, policy: LintPolicy) -> Iterator[Objection]:
    words = sorted({_fold(word) for word in (*DEBT_WORDS, *policy.more_words)} - {""}, key=len, reverse=True)
    for found in re.finditer("|".join(map(re.escape, words)), text.folded):
        yield text.object(found, "「{}」は、滞納があることを本人以外に知らせるおそれがあるため使えません。")


def _amounts(text: _Folded) -> Iterator[Objection]:
    for found in _AMOUNT.finditer(text.folded):
        yield text.object(found, "金額（{}）は送れません。")
    for field in _FIELD.finditer(text.folded):
        if _AMOUNT_FIELD.search(field[0]):
            yield text.object(field, "差込項目{}は金額になるため使えません。")


def _names(text: _Folded, names: Iterable[str]) -> Iterator[Objection]:
    for field in _FIELD.finditer(text.folded):
        if _NAME_FIELD.search(field[0]):
            yield text.object(field, "差込項目{}は氏名になるため使えません。")
    for found in _TITLE.finditer(text.folded):
        yield text.object(found, "個人の氏名に「{}」を付けた宛名は送れません。")
    yield from _own_names(text, names)


def _own_names(text: _Folded, names: Iterable[str]) -> Iterator[Objection]:
    for name in sorted({_fold(name) for name in names}):
        if len(name) > 1:  # a name of one character (林, 森) stands in too many other words
            for found in re.finditer(re.escape(name), text.folded):
                yield text.object(found, "氏名（{}）は送れません。")


def _links(text: str, policy: LintPolicy) -> Iterator[Objection]:
    # Blanks end a link, so this reads the text with only its width folded: one character for one.
    plain = "".join(
        narrow if len(narrow := unicodedata.normalize("NFKC", char).casefold()) == 1 else char for char in text
    )
    for found in _LINK.finditer(plain):
        if not _allowed(found[0], policy.hosts):
            yield Objection(
                found.start(),
                found.end(),
                f"リンク・メールアドレス（{text[found.start() : found.end()]}）は、管理者が許可したもの以外は送れません。",
            )


def _allowed(link: str, hosts: tuple[str, ...]) -> bool:
    try:
        address = urlsplit(link if "://" in link else f"//{link}")
        host = address.hostname or ""
    except ValueError:
        return False
    if "@" in address.netloc or address.scheme not in {"", "https", "http"}:
        return False
    return any(host == allowed or host.endswith(f".{allowed}") for allowed in map(str.casefold, hosts))
