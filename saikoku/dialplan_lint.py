"""Find mistakes in dialplan text before a call does. Pure: text in, findings out. For `saikoku dialplan lint`.

It looks at contexts whose names begin with `saikoku-` (ours and the admin's hooks) and at what points to them; the rest
of the PBX's dialplan is none of its business.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

PREFIX = "saikoku-"
HOOKS = (
    "outbound",
    "answered",
    "hold",
    "abandoned",
    "goodbye",
    "hangup",
    "incoming",
    "waiting",
    "closed",
    "unanswered",
)

# After these a call does not run on to the next line.
_ENDS = {"hangup", "return", "goto", "gotoif", "busy", "congestion", "macroexit", "dropcall", "waitexten"}
_SPECIAL = {"h", "i", "t", "e"}  # extensions Asterisk itself calls; after them the call is over anyway
_TARGET = re.compile(r"(?<![\w-])(saikoku-[a-z-]+)(?=,[^,()]+,)")


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake: where (line 0: the file as a whole), a stable code, what is wrong, how to mend it."""

    file: str
    line: int
    code: str
    problem: str
    mend: str

    def __str__(self) -> str:
        """One line, as a compiler writes it."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.code}: {self.problem} – {self.mend}"


@dataclass(slots=True)
class _Extension:
    file: str
    line: int
    name: str
    priorities: list[str] = field(default_factory=list)
    last_line: int = 0
    last_application: str = ""


@dataclass(slots=True)
class _Context:
    file: str
    line: int
    extensions: dict[str, _Extension] = field(default_factory=dict)


@dataclass(slots=True)
class _Dialplan:
    contexts: dict[str, _Context] = field(default_factory=dict)
    targets: list[tuple[str, int, str]] = field(default_factory=list)  # file, line, context that is pointed to
    strays: list[Finding] = field(default_factory=list)


def lint_files(texts: Mapping[str, str]) -> list[Finding]:
    """Every mistake in these files, taken together as one dialplan."""
    dialplan = _Dialplan()
    for file, text in texts.items():
        _read(file, text, dialplan)
    found = [*dialplan.strays, *_hooks(dialplan), *_targets(dialplan)]
    for name, context in dialplan.contexts.items():
        if name.startswith(PREFIX):
            found += [finding for extension in context.extensions.values() for finding in _extension(name, extension)]
    return sorted(found, key=lambda finding: (finding.file, finding.line, finding.code))


def _read(file: str, text: str, into: _Dialplan) -> None:
    context: _Context | None = None
    extension: _Extension | None = None
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"(?<!\\);.*", "", raw).strip()
        if head := re.match(r"\[([^\]]+)\]", line):
            context = into.contexts.setdefault(head[1], _Context(file, number))
            extension = None
        elif entry := re.match(r"(exten|same|include)\s*=>?\s*(.*)", line):
            into.targets += [(file, number, target) for target in _pointed_to(entry[1], entry[2])]
            if entry[1] != "include":
                extension = _add(file, number, entry[1], entry[2], context, extension, into.strays)


def _pointed_to(kind: str, rest: str) -> list[str]:
    return [rest.strip()] if kind == "include" and rest.startswith(PREFIX) else _TARGET.findall(rest)


def _add(
    file: str,
    number: int,
    kind: str,
    rest: str,
    context: _Context | None,
    extension: _Extension | None,
    strays: list[Finding],
) -> _Extension | None:
    """Put one `exten` or `same` line where it belongs; the extension that the next `same` continues."""
    if kind == "exten":
        name, _, rest = rest.partition(",")
        if context is None:
            strays.append(
                Finding(file, number, "no-context", f"extension {name} is in no context", "add a [context] line")
            )
            return None
        extension = context.extensions.setdefault(name.strip(), _Extension(file, number, name.strip()))
    elif extension is None:
        strays.append(
            Finding(file, number, "same-without-exten", "`same` continues nothing", "begin with `exten => s,1,…`")
        )
        return None
    priority, _, application = rest.partition(",")
    extension.priorities.append(re.sub(r"\(.*", "", priority).strip())
    extension.last_line = number
    extension.last_application = re.sub(r"\(.*", "", application, flags=re.DOTALL).strip().lower()
    return extension


def _hooks(dialplan: _Dialplan) -> Iterator[Finding]:
    for hook in HOOKS:
        if PREFIX + "hook-" + hook not in dialplan.contexts:
            name = PREFIX + "hook-" + hook
            mend = f"add `[{name}]` with `exten => s,1,Return()` if you want to use it"
            yield Finding(
                "saikoku-hooks.conf", 0, "hook-missing", f"the hook [{name}] is not there and is passed over", mend
            )
    for name, context in dialplan.contexts.items():
        if name.startswith(PREFIX + "hook-") and name.removeprefix(PREFIX + "hook-") not in HOOKS:
            mend = f"the hooks are {', '.join(HOOKS)}"
            yield Finding(context.file, context.line, "hook-unknown", f"nothing ever calls [{name}]", mend)


def _targets(dialplan: _Dialplan) -> Iterator[Finding]:
    for file, line, target in dialplan.targets:
        if target not in dialplan.contexts and not target.endswith("-"):
            mend = "write the name of a context that exists (they are listed in saikoku.conf)"
            yield Finding(file, line, "context-unknown", f"there is no context [{target}]", mend)


def _extension(context: str, extension: _Extension) -> Iterator[Finding]:
    where = f"extension {extension.name} of [{context}]"
    if extension.priorities[0] != "1":
        mend = f"write `exten => {extension.name},1,…` in its first line"
        yield Finding(extension.file, extension.line, "no-priority-1", f"{where} does not begin with priority 1", mend)
    if context.startswith(PREFIX + "hook-") and extension.name == "s" and extension.last_application not in _ENDS:
        yield Finding(
            extension.file, extension.last_line, "no-return", f"{where} never comes back", "end it with `Return()`"
        )
    elif extension.last_application not in _ENDS and extension.name not in _SPECIAL:
        yield Finding(
            extension.file, extension.last_line, "no-hangup", f"{where} runs off its end", "end it with `Hangup()`"
        )
