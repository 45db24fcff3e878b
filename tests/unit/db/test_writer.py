"""The thread that writes to an SQLite register."""

import threading

import pytest

from db.writer import Writer

pytestmark = pytest.mark.req("T4")


def test_what_somebody_waits_for_comes_first_and_the_rest_in_order() -> None:
    writer, begun, go_on, done = Writer("writer"), threading.Event(), threading.Event(), list[str]()

    def hold() -> None:
        begun.set()
        go_on.wait(10.0)

    first = writer.submit(hold)
    assert begun.wait(10.0)
    jobs = [writer.submit(lambda name=name: done.append(name), first=name.isupper()) for name in ("a", "b", "C", "D")]  # type: ignore[misc]
    go_on.set()
    for job in (first, *jobs):
        job.result(10.0)
    assert done == ["C", "D", "a", "b"]
    writer.shutdown()


def test_an_error_is_told_to_whoever_asked_and_the_thread_goes_on() -> None:
    writer = Writer("writer")
    failing = writer.submit(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        failing.result(10.0)
    assert writer.submit(lambda: 7).result(10.0) == 7
    last = writer.submit(lambda: "written")
    writer.shutdown()
    assert last.done(), "what was submitted before is done"
    assert last.result() == "written"
