"""The rates that shape the city. Those marked [F] were published by municipalities; the others are assumptions.

Kinds of day are 0 weekday, 1 Saturday, 2 Sunday or holiday.
"""

from typing import Final

PHONE_KNOWN: Final = 0.66
"""[F] Share of people in arrears with a known phone."""

PROMISES_DRAWN: Final = 0.315
"""Chance of a promise where something is still open: 25 % of those reached promise [F], and some of them owe nothing."""

DAY_MIX: Final = (0.74, 0.16, 0.10)
"""Share of dials by kind of day."""

ANSWERS: Final = (
    (0.155, 0.220, 0.260),
    (0.155, 0.230, 0.280),
    (0.230, 0.340, 0.412),
    (0.147, 0.264, 0.286),
    (0.100, 0.170, 0.180),
)
"""Share of dials answered, by misses so far and kind of day. After two and three misses [F]; the rest is assumed."""

GOES_ON: Final = 0.82
"""Share of misses that are followed by another dial: with `ANSWERS` it gives 2.8 dials a person [F]."""

UNALLOCATED: Final = 0.05
"""Share of known numbers that no longer exist."""

SELF_ANSWERS: Final = 0.557
"""Share of the person themselves among answers: with the above 26.5 % of known numbers are reached [F]."""

MOST_DIALS: Final = 8

SMS_REACTION: Final = 0.34
"""[F] Share of messages that are followed by a call or a payment."""

LETTER_RETURNED: Final = 0.04
LETTER_CALLBACK: Final = 0.06
MISSED_CALLBACK: Final = 0.10
PROMISE_KEPT: Final = 0.62

COMPANIES: Final = 0.06
FOREIGNERS: Final = 0.03
HEALTH_ONLY: Final = 0.04
PUBLIC_TOO: Final = 0.10
PRIVATE_TOO: Final = 0.05
SURVEY_TOO: Final = 0.02
OTHER_AREA_CONTACTS: Final = 0.35
"""Share of those with public or private claims whom the people of those claims contacted."""

ALL_PAID: Final = 0.12
"""Share of people who owed until lately and owe nothing now."""

CURRENT_PAID: Final = 0.38
CARRIED_OVER_PAID: Final = 0.34
"""Share of carried-over installments paid by now; `PAID_THIS_YEAR` of them since 1 April."""

PAID_THIS_YEAR: Final = 0.05
PART_PAID: Final = 0.05

MAILING_ADDRESS: Final = 0.08
FLAGGED: Final = 0.07
