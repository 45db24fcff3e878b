"""Playbacks that were begun: what ties the many range requests of a player to the one playback that was logged."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from aiohttp import web

from db.recording_files import Stamp

LASTS: Final = timedelta(hours=8)
"""So long a player that was left open may go on; then it has to be opened again."""


@dataclass(frozen=True, slots=True)
class Play:
    """One playback: by whom, of what, and the state of the file that was found to be whole."""

    user_id: int
    recording_id: UUID
    file: Path
    stamp: Stamp
    until: datetime


class Plays:
    """The playbacks of this process. They end with it; the player is then opened again, which is logged again."""

    def __init__(self) -> None:
        self._open: dict[str, Play] = {}

    def begin(self, play: Play, now: datetime) -> str:
        """Note a playback; returns the token that its address carries."""
        self._open = {token: other for token, other in self._open.items() if other.until > now}
        token = secrets.token_urlsafe(24)
        self._open[token] = play
        return token

    def of(self, token: str, user_id: int, recording_id: UUID, now: datetime) -> Play | None:
        """The playback of a token, if it is this user's, of this recording, and not over."""
        play = self._open.get(token)
        if play is None or play.until <= now:
            return None
        return play if (play.user_id, play.recording_id) == (user_id, recording_id) else None


PLAYS: Final = web.AppKey("plays", Plays)
