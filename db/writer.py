"""The one thread in which a process writes to an SQLite register: what somebody waits for on the line first, the rest in order.

SQLite has one writer. Of several threads all but one would only ask for its lock again and again, and be served in no order; here
they queue, and whoever has answered the telephone does not wait behind bookkeeping.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import count
from queue import PriorityQueue
from typing import Any, Final, TypeVar

R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])

_FIRST, _IN_ORDER, _LAST = range(3)


def urgent(use_case: F) -> F:
    """A use case that somebody waits for on the line."""
    use_case.urgent = True  # type: ignore[attr-defined]
    return use_case


@dataclass(order=True, slots=True)
class _Job:
    rank: int
    place: int
    work: Callable[[], Any] | None = field(compare=False)
    done: "Future[Any]" = field(compare=False)


class Writer:
    """The thread. It begins with the first job."""

    def __init__(self, name: str) -> None:
        self._name: Final = name
        self._places: Final = count()
        self._jobs: Final[PriorityQueue[_Job]] = PriorityQueue()
        self._starting: Final = threading.Lock()
        self._thread: threading.Thread | None = None

    def submit(self, work: Callable[[], R], *, first: bool = False) -> "Future[R]":
        """Do something in the thread, before everything that is not `first`, if it is."""
        job = _Job(_FIRST if first else _IN_ORDER, next(self._places), work, Future())
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
        self._jobs.put(job)
        return job.done

    def shutdown(self) -> None:
        """End the thread once all is done; nothing may be submitted any more."""
        with self._starting:
            if self._thread is not None:
                self._jobs.put(_Job(_LAST, next(self._places), None, Future()))
                self._thread.join()
                self._thread = None

    def _run(self) -> None:
        while (work := (job := self._jobs.get()).work) is not None:
            if not job.done.set_running_or_notify_cancel():
                continue
            try:
                result = work()
            except BaseException as error:
                job.done.set_exception(error)
            else:
                job.done.set_result(result)
