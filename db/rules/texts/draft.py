"""A text on its way to being sent: what is wrong with it and where, how it is cut, and what the phone will show."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from db.rules.texts.fields import merge, template_objections, wanting
from db.rules.texts.lint import LintPolicy, Objection
from db.rules.texts.parts import Allowance, Composition, TextError, compose


@dataclass(frozen=True, slots=True)
class Draft:
    """A text as it would go out. `composition` is None for one that cannot be cut into parts, `problem` says why."""

    text: str
    objections: Sequence[Objection]
    composition: Composition | None
    problem: str = ""

    @property
    def fine(self) -> bool:
        """Whether it may be sent."""
        return self.composition is not None and not self.objections

    @property
    def reasons(self) -> list[str]:
        """What keeps it from being sent, each reason once."""
        said = list(dict.fromkeys(one.reason for one in self.objections))
        return [*said, self.problem] if self.problem else said

    @property
    def marked(self) -> list[tuple[str, bool]]:
        """The text in pieces, each with whether it is objected to."""
        pieces: list[tuple[str, bool]] = []
        at = 0
        for one in self.objections:
            if one.start >= at:
                pieces += [(self.text[at : one.start], False), (self.text[one.start : one.end], True)]
                at = one.end
        return [piece for piece in (*pieces, (self.text[at:], False)) if piece[0]]


def plain(typed: str) -> str:
    """Typed text with one kind of line break, and without what surrounds it."""
    return typed.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").strip()


def look(text: str, policy: LintPolicy, allowance: Allowance, names: Iterable[str] = ()) -> Draft:
    """A finished text, checked and cut. `names`: those of the person it is for."""
    return _drafted(text, wanting(text, policy, names), text, allowance)


def look_at_template(body: str, values: Mapping[str, str], policy: LintPolicy, allowance: Allowance) -> Draft:
    """A template, checked as it is written and then as it will read with the office's words in it."""
    text = merge(body, values)
    if found := template_objections(body, policy):
        return _drafted(body, found, text, allowance)
    return look(text, policy, allowance)


def _drafted(text: str, found: Sequence[Objection], cut: str, allowance: Allowance) -> Draft:
    try:
        return Draft(text, found, compose(cut, allowance))
    except TextError as error:
        return Draft(text, found, None, str(error))
