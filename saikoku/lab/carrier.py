"""The carrier of the lab: an Asterisk that plays the telephone network, the citizens and the operators' phones.

What a citizen does is decided by the last two digits of the number, so that a synthetic city behaves much like a real
one, and a test knows what to expect (all numbers are made up):

| last digits | behaviour | what happens | cause of the hang-up (Q.850) |
|---|---|---|---|
| 00-29 | talks | answers after 1 s (even) or 2 s (odd), plays 880 Hz, stays until hung up | 16 |
| 30-64 | no-answer | rings until the caller gives up | the caller's own |
| 65-74 | busy | busy | 17 |
| 75-79 | voicemail | answers after 4 s, a greeting of 620 Hz for 6 s, a beep of 1000 Hz, then listens in silence | 16 |
| 80-84 | short | answers after 1 s, 880 Hz, hangs up after 3 s | 16 |
| 85-89 | unallocated | no such number | 1 |
| 90-92 | changed | the number was changed | 22 |
| 93-94 | rejected | refuses the call | 21 |
| 95-96 | congested | no line free in the network | 34 |
| 97 | out-of-order | the network is out of order | 38 |
| 98 | at-once | answers at once, 880 Hz | 16 |
| 99 | slow | rings 12 s, then talks | 16 |

`Lab.citizen()` overrides this for one number, `Lab.phone()` does the same for a
desk phone, which otherwise answers at once and plays 440 Hz (`other`: 1200 Hz, to tell it from its neighbour).
"""

from collections.abc import Mapping
from dataclasses import dataclass

TALK_HZ = 880
DESK_HZ = 440
OTHER_HZ = 1200
GREETING_HZ = 620


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a citizen does: a name, the last two digits from `first` to `last`, its dialplan, the cause in the end."""

    name: str
    first: int
    last: int
    steps: tuple[str, ...]
    cause: int | None  # Q.850; None: the caller's own doing


_TALK = ("Answer()", f"PlayTones({TALK_HZ})", "Wait(86400)", "Hangup(16)")

BEHAVIOURS = (
    Behaviour("talks", 0, 29, ("Ringing()", "Wait($[1 + ${EXTEN:-1} % 2])", *_TALK), 16),
    Behaviour("no-answer", 30, 64, ("Ringing()", "Wait(86400)", "Hangup(19)"), None),
    Behaviour("busy", 65, 74, ("Hangup(17)",), 17),
    Behaviour(
        "voicemail",
        75,
        79,
        (
            *("Ringing()", "Wait(4)", "Answer()", f"PlayTones({GREETING_HZ})", "Wait(6)", "StopPlayTones()"),
            *("PlayTones(1000)", "Wait(0.5)", "StopPlayTones()", "Wait(60)", "Hangup(16)"),
        ),
        16,
    ),
    Behaviour(
        "short", 80, 84, ("Ringing()", "Wait(1)", "Answer()", f"PlayTones({TALK_HZ})", "Wait(3)", "Hangup(16)"), 16
    ),
    Behaviour("unallocated", 85, 89, ("Hangup(1)",), 1),
    Behaviour("changed", 90, 92, ("Hangup(22)",), 22),
    Behaviour("rejected", 93, 94, ("Ringing()", "Wait(1)", "Hangup(21)"), 21),
    Behaviour("congested", 95, 96, ("Hangup(34)",), 34),
    Behaviour("out-of-order", 97, 97, ("Hangup(38)",), 38),
    Behaviour("at-once", 98, 98, _TALK, 16),
    Behaviour("slow", 99, 99, ("Ringing()", "Wait(12)", *_TALK), 16),
)

_WAITS = ("Wait(86400)", "Hangup(16)")
BY_NAME = (
    Behaviour(
        "greets",
        -1,
        -1,
        ("Answer()", "Wait(0.3)", f"PlayTones({TALK_HZ})", "Wait(0.6)", "StopPlayTones()", *_WAITS),
        16,
    ),
    Behaviour("machine", -1, -1, ("Answer()", f"PlayTones({GREETING_HZ})", "Wait(3)", "StopPlayTones()", *_WAITS), 16),
)
"""What no number stands for, for `Lab.citizen`: somebody who says a word and waits for an answer, as people do; and a machine that
goes on."""

PHONE_STATES: Mapping[str, tuple[str, ...]] = {
    "answer": ("Answer()", f"PlayTones({DESK_HZ})", "Wait(86400)", "Hangup(16)"),
    "other": ("Answer()", f"PlayTones({OTHER_HZ})", "Wait(86400)", "Hangup(16)"),
    "no-answer": ("Ringing()", "Wait(86400)", "Hangup(19)"),
    "busy": ("Hangup(17)",),
    "reject": ("Hangup(21)",),
    "off": ("Hangup(20)",),  # not registered: SIP 480, which arrives as cause 19
}


def behaviour_of(number: str) -> Behaviour:
    """What the citizen with this number does; raises ValueError if the number has no two last digits."""
    ending = int(number[-2:])
    return next(behaviour for behaviour in BEHAVIOURS if behaviour.first <= ending <= behaviour.last)


def number_for(behaviour: str, start: str = "0501234") -> str:
    """A made-up number whose citizen behaves so; raises StopIteration for an unknown behaviour."""
    found = next(known for known in BEHAVIOURS if known.name == behaviour)
    return f"{start}00{found.first:02d}"


def dialplan() -> str:
    """The carrier's extensions.conf."""
    lines = [
        "; Calls from the office: four digits are a desk phone, the rest are citizens.",
        "[from-office]",
        "exten => _XXXX,1,Set(STATE=${DB(phone/${EXTEN})})",
        ' same => n,Goto(phone-${IF($["${STATE}" = ""]?answer:${STATE})},${EXTEN},1)',
        "exten => _[+0-9]XXXX!,1,Set(DOES=${DB(citizen/${EXTEN})})",
        ' same => n,GotoIf($["${DOES}" != ""]?citizen-${DOES},${EXTEN},1)',
    ]
    lines += [
        f" same => n,GotoIf($[${{EXTEN:-2}} >= {it.first} & ${{EXTEN:-2}} <= {it.last}]?citizen-{it.name},${{EXTEN}},1)"
        for it in BEHAVIOURS
    ]
    lines.append(" same => n,Hangup(28)")
    for behaviour in (*BEHAVIOURS, *BY_NAME):
        lines += _context(f"citizen-{behaviour.name}", "_[+0-9]XXXX!", behaviour.steps)
    for state, steps in PHONE_STATES.items():
        lines += _context(f"phone-{state}", "_XXXX", steps)
    lines += [
        "; Calls to the office: Local/<caller>*<dialled>@to-office; the caller `anonymous` hides the number.",
        "[to-office]",
        "exten => _[a-zA-Z0-9+].,1,Set(CALLERID(num)=${CUT(EXTEN,*,1)})",
        ' same => n,ExecIf($["${CUT(EXTEN,*,1)}" = "anonymous"]?Set(CALLERID(pres)=prohib))',
        " same => n,Dial(PJSIP/${CUT(EXTEN,*,2)}@office)",
        " same => n,Hangup(${HANGUPCAUSE})",
        "[citizen-speaks]",
        f"exten => s,1,PlayTones({TALK_HZ})",
        " same => n,Wait(86400)",
        " same => n,Hangup(16)",
        "; What comes last in the record (`Lab.carrier_calls`).",
        "[mark]",
        "exten => _X.,1,Hangup()",
        "; Whoever has called presses keys (h for #: a # cannot be an extension's letter on the console).",
        "[citizen-presses]",
        "exten => _[0-9wh]!,1,StopPlayTones()",
        " same => n,SendDTMF(${STRREPLACE(EXTEN,h,#)},150,150)",
        " same => n,Goto(citizen-speaks,s,1)",
    ]
    return "\n".join(lines) + "\n"


def _context(name: str, pattern: str, steps: tuple[str, ...]) -> list[str]:
    first, *others = steps
    return [f"[{name}]", f"exten => {pattern},1,{first}", *(f" same => n,{step}" for step in others)]
