"""Who calls the office back: what the look-up says of a caller, and which contact a return call answers (T5).

For the FastAGI server, which says it, and the bridge, which reads it from the event `SaikokuIncoming`: both sides of the
dialplan use the same `Caller`. Nothing here identifies anybody: a number says whose record to show first, the identity
gate decides what may be said.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self, TypeVar

from db.rules.terms import Area, Channel, PhoneKind, PhoneOwner, Term

RETURN_WITHIN: Final = timedelta(days=14)
"""A return call answers an outbound contact no older than this (an assumption; each office sets it)."""

LISTED: Final = 10
"""How many candidates are passed on with a call; the panel's search by number finds the rest."""

OUTBOUND: Final = (Channel.CALL_OUT, Channel.SMS, Channel.LETTER, Channel.VISIT)
"""Contacts that the office began: what a return call can be an answer to."""

# Channel variables that the FastAGI server sets; the dialplan hands them on as headers of the event, named beside.
KIND: Final = "SAIKOKU_CALLER_KIND"  # Kind
NUMBER: Final = "SAIKOKU_CALLER_E164"  # Number
AREA: Final = "SAIKOKU_AREA"  # Area
CANDIDATES: Final = "SAIKOKU_CANDIDATES"  # Candidates
LAST_OPERATOR: Final = "SAIKOKU_LAST_OPERATOR"  # LastOperator
ANSWERS: Final = "SAIKOKU_ANSWERS"  # Answers

HEADERS: Final[Mapping[str, str]] = {
    KIND: "Kind",
    NUMBER: "Number",
    AREA: "Area",
    CANDIDATES: "Candidates",
    LAST_OPERATOR: "LastOperator",
    ANSWERS: "Answers",
}

_BETWEEN_IDS: Final = "&"  # as in Dial(A&B); a comma would begin another header of the event

T = TypeVar("T", bound=Term)


class CallerKind(Term):
    """What is known of a caller before anybody speaks. Every one of them rings at the desks."""

    KNOWN = "known", "該当者1名"
    SEVERAL = "several", "複数該当"
    UNKNOWN = "unknown", "該当者なし"
    HIDDEN = "hidden", "非通知"
    NO_NUMBER = "no_number", "番号なし(表示圏外・公衆電話)"
    FOREIGN = "foreign", "国外(該当者なし)"
    SERVICE = "service", "フリーダイヤル等(該当者なし)"
    MALFORMED = "malformed", "番号不正"
    UNASKED = "unasked", "照会不可"


ADVICE: Final[Mapping[CallerKind, str]] = {
    CallerKind.SEVERAL: "この番号は複数の方の記録にあります。名乗りを聞いて、話の相手を選んでください。",
    CallerKind.UNKNOWN: "この番号の記録はありません。名乗りを聞いて検索してください。",
    CallerKind.HIDDEN: "番号が通知されていません。名乗りを聞いて検索してください。",
    CallerKind.NO_NUMBER: "公衆電話や表示圏外からの着信です。名乗りを聞いて検索してください。",
    CallerKind.FOREIGN: "国外の番号からの着信です。名乗りを聞いて検索してください。",
    CallerKind.SERVICE: "企業などの代表番号からの着信です。名乗りを聞いて検索してください。",
    CallerKind.MALFORMED: "番号を読み取れませんでした。名乗りを聞いて検索してください。",
    CallerKind.UNASKED: "番号を照会できませんでした。名乗りを聞いて検索してください。",
}
"""What the operator is told to do beside the kind of a caller whom the number does not name."""


_NOBODY: Final[Mapping[PhoneKind, CallerKind]] = {
    PhoneKind.FOREIGN: CallerKind.FOREIGN,
    PhoneKind.TOLL_FREE: CallerKind.SERVICE,
    PhoneKind.SHARED_COST: CallerKind.SERVICE,
}


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller, as passed on with the call. `number` is E.164 or empty; `candidates` are debtors, likeliest first.

    `last_operator` is the user who last spoke with one of them; `answers` is the contact that the call seems to answer:
    a proposal, which the recorded result confirms for the person it was really about.
    """

    kind: CallerKind
    number: str = ""
    area: Area = Area.TAX
    candidates: tuple[int, ...] = ()
    last_operator: int | None = None
    answers: uuid.UUID | None = None

    def variables(self) -> dict[str, str]:
        """As channel variables: plain ASCII without spaces, commas or quotes."""
        return {
            KIND: self.kind.value,
            NUMBER: self.number,
            AREA: self.area.value,
            CANDIDATES: _BETWEEN_IDS.join(map(str, self.candidates)),
            LAST_OPERATOR: "" if self.last_operator is None else str(self.last_operator),
            ANSWERS: "" if self.answers is None else str(self.answers),
        }

    @classmethod
    def from_headers(cls, headers: Mapping[str, str]) -> Self:
        """From the headers of the event. What is missing or makes no sense is taken as not known: UNASKED, no ids."""
        given = {variable: headers.get(header, "") for variable, header in HEADERS.items()}
        ids = [_whole(text) for text in given[CANDIDATES].split(_BETWEEN_IDS)]
        return cls(
            kind=_term(CallerKind, given[KIND], CallerKind.UNASKED),
            number=given[NUMBER],
            area=_term(Area, given[AREA], Area.TAX),
            candidates=tuple(one for one in ids if one is not None)[:LISTED],
            last_operator=_whole(given[LAST_OPERATOR]),
            answers=_uuid(given[ANSWERS]),
        )


@dataclass(frozen=True, slots=True)
class Outbound:
    """A contact that the office began."""

    id: uuid.UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class Spoke:
    """Somebody of the office spoke with the person."""

    user_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Match:
    """A debtor with the caller's number on the record, the newest outbound contact, and who last spoke with them."""

    debtor_id: int
    owner: PhoneOwner
    outbound: Outbound | None = None
    spoke: Spoke | None = None


def answered_contact(
    called_at: datetime, outbound: Iterable[Outbound], within: timedelta = RETURN_WITHIN
) -> uuid.UUID | None:
    """The contact that a return call answers: the latest outbound one before it, unless that is older than `within`."""
    before = [contact for contact in outbound if called_at - within <= contact.at <= called_at]
    return max(before, key=lambda contact: contact.at).id if before else None


def identify(
    number: str, kind: PhoneKind, area: Area, matches: Sequence[Match], called_at: datetime, within: timedelta
) -> Caller:
    """What to say of a caller who shows `number` (E.164), from everyone in `area` who has it on the record.

    Candidates come in the order of the office's newest move towards them, then the person's own phone before others'.
    """
    if not matches:
        return Caller(_NOBODY.get(kind, CallerKind.UNKNOWN), number, area)
    likeliest = sorted(matches, key=lambda match: (_newest_first(match), match.owner is not PhoneOwner.SELF))
    return Caller(
        kind=CallerKind.KNOWN if len(matches) == 1 else CallerKind.SEVERAL,
        number=number,
        area=area,
        candidates=tuple(match.debtor_id for match in likeliest[:LISTED]),
        last_operator=_last_to_speak(matches),
        answers=answered_contact(called_at, [match.outbound for match in matches if match.outbound], within),
    )


def _newest_first(match: Match) -> float:
    return -match.outbound.at.timestamp() if match.outbound else 0.0


def _last_to_speak(matches: Iterable[Match]) -> int | None:
    spoken = [match.spoke for match in matches if match.spoke]
    return max(spoken, key=lambda spoke: spoke.at).user_id if spoken else None


def _term(terms: type[T], text: str, otherwise: T) -> T:
    return next((term for term in terms if term.value == text), otherwise)


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
