"""Search forms of names and kana, and the private-use characters that core systems bring along.

A search form stands beside the original, which is never changed. Two texts are "the same" for a search when their
forms are equal, so both the stored column and what the operator typed go through the same function.
"""

import re
import unicodedata

import jaconv

# Applied after kata2hira. jaconv leaves these small and historical kana as they are.
_SMALL = str.maketrans("ゎゕゖㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿ", "わかけくしすとぬはひふへほむらりるれろ")
# Sounds the same, so it is heard and typed either way.
_SPELLINGS = str.maketrans("ぢづゐゑを", "じずいえお")
# One person, several characters: the form on the register and the one a keyboard gives.
_VARIANTS = str.maketrans(
    "髙﨑嵜碕濵濱邊邉齋齊斎櫻澤廣國嶋嶌眞德增𠮷冨惠龍瀧藏榮條壽彌與曾靜淺關鷗藪舘萬渕淵祐禮實㑹會會黑步槇檜桒",
    "高崎崎崎浜浜辺辺斉斉斉桜沢広国島島真徳増吉富恵竜滝蔵栄条寿弥与曽静浅関鴎薮館万淵淵祐礼実会会会黒歩槙桧桑",
)
_IGNORED = re.compile("[\\s'’‘ʼ`.,・·•]")
_KANA = re.compile("[ぁ-ヿㇰ-ㇿ]")
# Controls, joiners, accents, variation selectors and stray voicing marks.
_INVISIBLE = frozenset({"Cc", "Cf", "Mn", "Me", "Sk"})
_LONG_AFTER_KANA = re.compile("(?<=[ぁ-ゖー])[-‐‑‒–—―−─━〜~ー]+")
_DASH = re.compile("[-‐‑‒–—―−─━〜~]")
_PRIVATE = ((0xE000, 0xF8FF), (0xF0000, 0xFFFFD), (0x100000, 0x10FFFD))


def fold_name(text: str) -> str:
    """Return the search form of a name: width, case, spaces, points and apostrophes, variant characters do not count.

    Variation selectors go, hiragana and katakana are one, small kana are large, every dash after kana is `ー` and
    any other dash goes; so do accents. Emoji and characters outside the tables stay. Folding twice changes nothing.
    """
    return _fold(text).translate(_VARIANTS)


def fold_kana(text: str) -> str:
    """Return the search form of a reading: as `fold_name`, and kana that sound the same (ぢ/じ, づ/ず, を/お) are one.

    Half-width voicing marks are joined to their kana (ﾊﾞ is バ), so ハ and バ stay different readings.
    """
    return _fold(text).translate(_SPELLINGS)


def private_use(text: str) -> list[str]:
    """List the private-use characters (外字) of `text` in order, each once: nobody else can show or search them."""
    return list(dict.fromkeys(char for char in text if any(low <= ord(char) <= high for low, high in _PRIVATE)))


def _fold(text: str) -> str:
    # Spacing voicing marks would otherwise decompose into a space and a mark that no longer joins its kana.
    joined = text.replace("゛", "\u3099").replace("゜", "\u309a")
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", joined).casefold())
    visible = unicodedata.normalize("NFC", _IGNORED.sub("", "".join(map(_bare, folded))))
    hiragana = jaconv.enlarge_smallkana(jaconv.kata2hira(visible)).translate(_SMALL)
    return _DASH.sub("", _LONG_AFTER_KANA.sub("ー", hiragana))


def _bare(char: str) -> str:
    """Return `char` without accents; a voiced kana is a letter of its own and keeps its mark."""
    if _KANA.fullmatch(char) and unicodedata.category(char) not in _INVISIBLE:
        return char
    parts = unicodedata.normalize("NFD", char)
    return "".join(part for part in parts if unicodedata.category(part) not in _INVISIBLE)
