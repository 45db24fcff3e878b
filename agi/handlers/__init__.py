"""What the server can be asked: a handler a file, each named by the path of its URL (agi://host/PATH)."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Final

from agi.desk import Desk
from agi.handlers.incoming import incoming
from agi.session import Session

Handler = Callable[[Session, Desk], Coroutine[None, None, None]]

HANDLERS: Final[Mapping[str, Handler]] = {"incoming": incoming}
