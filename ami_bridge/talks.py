"""What is done with a person on the line, whoever called whom: music, back to the operator, goodbye. For `dialing` and `incoming`."""

from uuid import UUID

from ami_bridge import actions
from ami_bridge import variables as names
from ami_bridge.errors import AmiError
from ami_bridge.link import AmiLink
from ami_bridge.patience import Patience
from ami_bridge.recordings import Recordings
from ami_bridge.values import Action
from db.register import Register
from db.rules.telephony import EndedBy
from db.store.calls import LineRow
from db.store.calls import line as line_of


class Talks:
    """The part of a call that is the same in both directions. Commands return why they were not carried out, or None."""

    def __init__(self, register: Register, link: AmiLink, patience: Patience, recordings: Recordings) -> None:
        self._register = register
        self._link = link
        self._patience = patience
        self._recordings = recordings
        self._ending: dict[UUID, EndedBy] = {}  # calls that we are ending, and on whose word

    async def hold(self, call_id: UUID) -> str | None:
        """Let the person hear music."""
        return await self._move(call_id, names.CONTEXT_HOLD, names.START)

    async def resume(self, call_id: UUID) -> str | None:
        """Bring the person back to the operator's room."""
        line = await self._line(call_id)
        return "call_over" if line is None else await self._move(call_id, names.CONTEXT_JOIN, line.seat)

    async def mute_recording(self, call_id: UUID, *, muted: bool) -> str | None:
        """Leave out of the recording what follows, or record again."""
        channel = await self._channel(call_id)
        if channel is None:
            return "call_over"
        return await self._recordings.mute(call_id, channel, self._link.send, muted=muted)

    async def give_up(self, call_id: UUID) -> None:
        """The operator's phone did not come back: say goodbye to a person who still waits for it."""
        line = await self._line(call_id)
        if line is not None and line.forsaken:
            self._ending[call_id] = EndedBy.PHONE
            await self._move(call_id, names.CONTEXT_GOODBYE, names.START)

    async def _channel(self, call_id: UUID) -> str | None:
        """The person's channel (a Uniqueid), None for a call that nobody knows."""
        raise NotImplementedError

    async def _move(self, call_id: UUID, context: str, exten: str) -> str | None:
        channel = await self._channel(call_id)
        return "call_over" if channel is None else await self._send(actions.redirect(channel, context, exten))

    async def _send(self, action: Action) -> str | None:
        try:
            await self._link.send(action)
        except AmiError as error:
            return error.code
        return None

    async def _over(self, call_id: UUID) -> None:
        """The call has been closed: nobody waits in it any more, and its recording is whole."""
        self._patience.set(call_id, waits=False)
        await self._recordings.look_at(call_id)

    async def _mind(self, call_id: UUID) -> None:
        """Count the time of a person who waits for an operator's phone."""
        line = await self._line(call_id)
        self._patience.set(call_id, waits=line is not None and line.forsaken)

    async def _line(self, call_id: UUID) -> LineRow | None:
        return await self._register.ask(line_of, call_id)
