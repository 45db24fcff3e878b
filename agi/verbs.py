"""AGI commands, with their quoting.

Asterisk splits a command at spaces; double quotes hold words together, a backslash takes the next character as it is
(res_agi.c, parse_args). A line break cannot be quoted, so it is refused.
"""

import re
from collections.abc import Mapping
from typing import Final

from agi.errors import CommandError, UnsafeValueError
from agi.session import Session

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PAIR: Final = rf"{_NAME.pattern}=[A-Za-z0-9_.:+&-]*"
_PAIRS: Final = re.compile(f"{_PAIR}(?:,{_PAIR})*")
_LINE_BREAK: Final = re.compile(r"[\r\n\0]")


def quoted(text: str) -> str:
    """`text` as one argument of a command; raises UnsafeValueError for CR, LF or NUL."""
    if _LINE_BREAK.search(text):
        raise UnsafeValueError("a line break or NUL in a value")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


async def set_variable(session: Session, name: str, value: str) -> None:
    """Set one channel variable to any text of one line; raises CommandError if Asterisk does not."""
    reply = await session.command(f"SET VARIABLE {_checked(name)} {quoted(value)}")
    if not reply.ok or reply.result != "1":
        raise CommandError(f"SET VARIABLE {name}: {reply.code} result={reply.result}")


async def set_variables(session: Session, variables: Mapping[str, str]) -> None:
    """Set several channel variables in one exchange (EXEC MSet); raises CommandError if Asterisk does not.

    MSet has a quoting of its own, on top of AGI's, so values must be plain: letters, digits and `_ . : + & -`.
    """
    pairs = ",".join([f"{name}={value}" for name, value in variables.items()])
    if not _PAIRS.fullmatch(pairs) or pairs.count("=") != len(variables):
        raise UnsafeValueError("a name that is none of a variable, or a value that is not plain")
    reply = await session.command(f'EXEC MSet "{pairs}"')
    if not reply.ok or reply.result != "0":
        raise CommandError(f"EXEC MSet: {reply.code} result={reply.result}")


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UnsafeValueError("a name that is none of a variable")
    return name
