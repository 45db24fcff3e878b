"""How a number was dialled in the past: an hour and a day for each dial, and who answered in the end, by the rates.

The chance of an answer depends on the misses before and on the kind of day, as municipalities measured it; whom a
number reaches is drawn with it, so that the number's last digits can agree with its history.
"""

from dataclasses import dataclass
from typing import Final

from db.rules.terms import AnsweredBy
from saikoku.city import rates
from saikoku.city.behaviours import Reaction
from saikoku.city.draft import Draft

_SELF: Final = AnsweredBy.SELF.value
_NOBODY: Final = AnsweredBy.NOBODY.value

_KINDS: Final = (0,) * round(rates.DAY_MIX[0] * 100) + (1,) * round(rates.DAY_MIX[1] * 100) + (2,) * 10
# Hours of the office (JST 9 to 19) in UTC: the same calendar day in both.
_HOURS_DIALLED: Final = (0, 0, 1, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10)
_HOURS_ANSWERED: Final = (0, 1, 1, 2, 3, 3, 4, 5, 6, 7, 8, 8, 8, 9, 9, 9, 9, 10, 10)

_OTHERS: Final = (
    (("talked_spouse", AnsweredBy.SPOUSE.value), Reaction.OTHER, 20),
    (("talked_family", AnsweredBy.FAMILY.value), Reaction.OTHER, 40),
    (("talked_third", AnsweredBy.THIRD_PARTY.value), Reaction.OTHER, 12),
    (("wrong_person", AnsweredBy.THIRD_PARTY.value), Reaction.OTHER, 8),
    (("refused", AnsweredBy.UNKNOWN.value), Reaction.HANGS_UP, 20),
)
_OTHER_LOTTERY: Final = tuple((end, reaction) for end, reaction, share in _OTHERS for _ in range(share))
_TALKED_SELF: Final = ("talked_self", _SELF)
_UNALLOCATED: Final = ("unallocated", _NOBODY)

_NO_ANSWER: Final = ("no_answer", _NOBODY)
_VOICEMAIL: Final = ("voicemail", _NOBODY)
_BUSY: Final = ("busy", _NOBODY)
_MISSES: Final = {
    Reaction.RINGS_OUT: (_NO_ANSWER,) * 19 + (_BUSY,),
    Reaction.VOICEMAIL: (_VOICEMAIL,) * 8 + (_NO_ANSWER,) * 2,
    Reaction.BUSY: (_BUSY,) * 7 + (_NO_ANSWER,) * 3,
}
_MISSED_IN_BETWEEN: Final = (_NO_ANSWER,) * 13 + (_VOICEMAIL,) * 5 + (_BUSY,) * 2
_MISSED_FOR_GOOD: Final = (Reaction.RINGS_OUT,) * 60 + (Reaction.VOICEMAIL,) * 25 + (Reaction.BUSY,) * 15


@dataclass(frozen=True, slots=True)
class Dial:
    """One dial: its day (ordinal), its UTC time of day, its result and who answered."""

    day: int
    clock: str
    disposition: str
    answered_by: str


def clock(draft: Draft, hours: tuple[int, ...]) -> str:
    """A time of day in one of these hours; late enough in no hour that what follows falls into the next."""
    return f"{draft.pick(hours):02d}:{draft.below(54):02d}:{draft.below(60):02d}"


def first_round(draft: Draft, day: int) -> tuple[Reaction, list[Dial]]:
    """Dial a number for the first time, on `day` or soon after, until somebody answers or the office gives up."""
    random, days = draft.random, draft.days
    if random() < rates.UNALLOCATED:
        day = days.of_kind(0, day)
        return Reaction.UNALLOCATED, [_dial(draft, day, _UNALLOCATED)] if day < days.today else []
    missed: list[int] = []
    while True:
        kind = draft.pick(_KINDS)
        day = days.of_kind(kind, day)
        if day >= days.today:
            break
        if random() < rates.ANSWERS[min(len(missed), len(rates.ANSWERS) - 1)][kind]:
            end, reaction = (
                (_TALKED_SELF, Reaction.SELF) if random() < rates.SELF_ANSWERS else draft.pick(_OTHER_LOTTERY)
            )
            before = [_dial(draft, past, draft.pick(_MISSED_IN_BETWEEN)) for past in missed]
            return reaction, [*before, _dial(draft, day, end, _HOURS_ANSWERED)]
        missed.append(day)
        if len(missed) == rates.MOST_DIALS or random() > rates.GOES_ON:
            break
        day += 1 + draft.below(6)
    reaction = draft.pick(_MISSED_FOR_GOOD)
    return reaction, [_dial(draft, past, draft.pick(_MISSES[reaction])) for past in missed]


def another_round(draft: Draft, day: int, reaction: Reaction) -> list[Dial]:
    """Dial a number again whose reaction is known: who was reached once may be reached again, others are not."""
    days = draft.days
    if reaction is Reaction.UNALLOCATED:
        return []
    misses = _MISSES.get(reaction, _MISSED_IN_BETWEEN)
    dials: list[Dial] = []
    for _ in range(1 + draft.below(4)):
        day = days.of_kind(draft.pick(_KINDS), day)
        if day >= days.today:
            return dials
        if reaction is Reaction.SELF and draft.random() < 0.35:
            return [*dials, _dial(draft, day, _TALKED_SELF, _HOURS_ANSWERED)]
        dials.append(_dial(draft, day, draft.pick(misses)))
        day += 1 + draft.below(9)
    return dials


def _dial(draft: Draft, day: int, end: tuple[str, str], hours: tuple[int, ...] = _HOURS_DIALLED) -> Dial:
    return Dial(day, clock(draft, hours), *end)
