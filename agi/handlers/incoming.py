"""agi://…/incoming: who is calling back (T5). The office's number that was called is the first argument.

Sets the variables of `db.rules.callers`; the dialplan puts them into the event by which the bridge learns of the call.
"""

import logging

from agi.caller import read_caller
from agi.desk import Desk
from agi.session import Session
from agi.verbs import set_variables

_log = logging.getLogger(__name__)


async def incoming(session: Session, desk: Desk) -> None:
    """Look the caller up and say what is known. No number is logged: which one it was, the call's record tells."""
    dialled = session.request.argument(1) or session.request.headers.get("dnid", "")
    caller = await desk.who(read_caller(session.request), dialled)
    await set_variables(session, caller.variables())
    if _log.isEnabledFor(logging.DEBUG):
        _log.debug(
            "return call %s: %s, candidates: %d", session.request.channel_id, caller.kind, len(caller.candidates)
        )
