"""The invented city: みなと野市 (Minatono), its districts and towns. No such city, town or postal code exists.

Postal codes begin with 000, which Japan Post has given to no area. The coordinates lie in the open sea off the Pacific
coast, so that no point on a map is anybody's house.
"""

from dataclasses import dataclass
from typing import Final

CITY: Final = "みなと野市"
DISTRICTS: Final = ("中央地区", "港地区", "浜手地区", "山手地区", "川西地区", "北野地区", "新町地区", "岬地区")


@dataclass(frozen=True, slots=True)
class Town:
    """A town (町) of the city; `weight` is its share of the people, in no unit."""

    name: str
    district: str
    postal_code: str
    latitude: float
    longitude: float
    weight: int


_CENTRE: Final = (33.600, 137.500)
_NAMES: Final = (
    ("中央町", 0, 9), ("本町", 0, 7), ("市役所前", 0, 3), ("栄町", 0, 6), ("大手町", 0, 4),
    ("港町", 1, 5), ("潮見町", 1, 8), ("灯台通り", 1, 3), ("魚市場町", 1, 2),
    ("浜手町", 2, 7), ("白浜町", 2, 6), ("千鳥町", 2, 5), ("松風町", 2, 4),
    ("山手町", 3, 6), ("三笠台", 3, 5), ("桜坂", 3, 4), ("見晴台", 3, 3),
    ("川西町", 4, 6), ("水車町", 4, 3), ("橋詰町", 4, 4), ("堤町", 4, 3),
    ("北野町", 5, 5), ("上北野", 5, 3), ("下北野", 5, 3), ("茶園町", 5, 2),
    ("新町", 6, 8), ("若草台", 6, 7), ("双葉台", 6, 6), ("東雲町", 6, 4),
    ("岬町", 7, 2), ("外浜町", 7, 2), ("岩場町", 7, 1),
)  # fmt: skip
_GRID: Final = 6
_STEP: Final = 0.011  # degrees, somewhat over a kilometre

TOWNS: Final = tuple(
    Town(
        name,
        DISTRICTS[district],
        f"000{101 + number:04d}",
        round(_CENTRE[0] + (number // _GRID - 2.5) * _STEP, 5),
        round(_CENTRE[1] + (number % _GRID - 2.5) * _STEP, 5),
        weight,
    )
    for number, (name, district, weight) in enumerate(_NAMES)
)

LOTTERY: Final = tuple(town for town in TOWNS for _ in range(town.weight))
"""Every town as often as its weight: a draw from it is a draw by population."""

BUILDINGS: Final = (
    "コーポ潮騒",
    "みなと荘",
    "ハイツ千鳥",
    "シーサイド若草",
    "メゾン灯台",
    "第二松風マンション",
    "市営潮見団地",
)
"""Invented buildings, for the addresses that have one."""
