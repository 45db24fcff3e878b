"""Asterisk's own record of calls: whole lines are understood, broken ones are passed over, rotations are followed."""

import csv
import gzip
import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ami_bridge.cel import COLUMNS, History, entry, histories, when
from ami_bridge.cel_file import CallRecord, start_of
from ami_bridge.settling import ended_by
from db.rules.telephony import EndedBy

CALL = "0192f0c4-aaaa-7bbb-8ccc-1234567890ab"
TRUNK = "PJSIP/carrier-00000001"


def line(
    kind: str, at: float, call: str = CALL, *, context: str = "from-carrier", extra: str = "", app: str = "", data: str = ""
) -> bytes:  # fmt: skip
    """A line as Asterisk 22 writes it."""
    row = [kind, f"{at:.6f}", "0312340001", "s", context, TRUNK, call, call, extra, app, data]
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(row)
    return text.getvalue().encode()


def hangup(at: float, cause: int, *, source: str = "", context: str = "from-carrier", call: str = CALL) -> bytes:
    extra = f'{{"hangupcause":{cause},"hangupsource":"{source}","dialstatus":""}}'
    return line("HANGUP", at, call, context=context, extra=extra)


TALK = [
    line("CHAN_START", 10),
    line("ANSWER", 12),
    line("APP_START", 12.5, context="saikoku-join", app="ConfBridge", data="saikoku-1001,saikoku_room"),
    hangup(60, 16, source=TRUNK, context="saikoku-join"),
]


@pytest.mark.req("T3", "T13")
def test_a_talk_is_told_with_its_times_its_seat_and_its_cause() -> None:
    (told,) = histories(TALK).values()
    assert (told.began, told.answered, told.joined, told.ended) == (10, 12, 12.5, 60)
    assert (told.seat, told.cause, ended_by(told)) == ("1001", 16, EndedBy.PERSON)


@pytest.mark.req("T3", "T4")
@pytest.mark.parametrize(
    ("lines", "by"),
    [
        ([hangup(60, 16, source="dialplan/builtin", context="saikoku-goodbye")], EndedBy.PHONE),
        ([hangup(60, 16, source="dialplan/builtin", context="saikoku-abandoned")], EndedBy.SYSTEM),
        ([line("APP_START", 12, app="UserEvent", data="SaikokuRefused,Attempt: x,Seat: 1"), hangup(60, 16)], EndedBy.SYSTEM),
        ([hangup(60, 16)], None),
    ],
)  # fmt: skip
def test_who_ended_a_call(lines: list[bytes], by: EndedBy | None) -> None:
    assert ended_by(histories([TALK[0], *lines])[CALL]) is by


@pytest.mark.req("T5")
def test_a_caller_is_told_as_the_dialplan_announced_them() -> None:
    data = "SaikokuIncoming,Dialed: 0312340001,Caller: 0501,Kind: several,Number: +81501,Candidates: 7&8,Answers: "
    told = histories([line("CHAN_START", 1, "1.5"), line("APP_START", 2, "1.5", app="UserEvent", data=data)])["1.5"]
    assert told.rang == 2
    assert told.caller is not None
    assert (told.caller["Kind"], told.caller["Candidates"], told.caller["Answers"]) == ("several", "7&8", "")


@pytest.mark.req("T3")
@pytest.mark.parametrize(
    "broken",
    [
        TALK[1][:-1],  # not ended: it is being written
        TALK[1][:40] + b"\n",
        TALK[1][:40] + TALK[1],  # cut off, and the next line behind it
        b"\n",
        b"\xff\xfe\x00\n",
        b'"ANSWER","never","","","","","x","x","","",""\n',
        b'"ANSWER","nan","","","","","x","x","","",""\n',
        b'"ANSWER","1.5","","","","","","x","","",""\n',  # of no channel
        b'"ANSWER","1.5","","","","","x","x",""\n',  # an older form
    ],
)
def test_a_broken_line_says_nothing_and_costs_no_other(broken: bytes) -> None:
    assert entry(broken) is None
    assert histories([TALK[0], broken, TALK[3]]) == histories([TALK[0], TALK[3]])


@pytest.mark.req("T3")
def test_details_that_are_no_json_leave_the_end_without_a_cause() -> None:
    told = histories([line("HANGUP", 5, extra="16")])[CALL]
    assert (told.ended, told.cause) == (5, None)


@pytest.mark.req("T3")
@pytest.mark.parametrize("code", ["utf-8", "shift_jis", "euc_jp"])
def test_japanese_names_of_any_code_do_not_hide_a_line(code: str) -> None:
    odd = TALK[1].replace(b'"s"', '"表示,""ソ能"'.encode(code))
    assert histories([odd])[CALL].answered == 12


@given(st.permutations(TALK + TALK))
def test_neither_order_nor_repetition_matters(lines: list[bytes]) -> None:
    assert histories(lines) == histories(TALK)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(noise: bytes) -> None:
    entry(noise + b"\n")
    when(noise)
    assert histories([noise, *TALK])[CALL].ended == 60


@given(st.lists(st.text(max_size=8).filter(lambda text: not set(text) & set("\r\n")), min_size=11, max_size=11))
def test_what_asterisk_quotes_is_read_as_it_was(values: list[str]) -> None:
    values = [*values[:1], "7.25", *values[2:6], "a-channel", *values[7:]]
    text = ",".join('"' + value.replace('"', '""') + '"' for value in values) + "\n"
    one = entry(text.encode("utf-8", "surrogatepass"))
    assert one is not None
    assert (one.at, one.uniqueid, len(COLUMNS)) == (7.25, "a-channel", len(values))
    if not any("\ud800" <= letter <= "\udfff" for value in values for letter in value):
        assert (one.kind, one.context, one.extra, one.data) == (values[0], values[4], values[8], values[10])


# -- the file ---------------------------------------------------------------------------------------------------------


@given(st.integers(0, 3000), st.integers(0, 200))
def test_reading_begins_before_the_moment_and_at_a_line(since: int, noise: int) -> None:
    lines = [line("ANSWER", float(at)) for at in range(3000)]
    lines.insert(noise * 10, b'"cut off\n')
    file = io.BytesIO(b"".join(lines))
    start = start_of(file, since)
    rest = file.getvalue()[start:].splitlines(keepends=True)
    assert start == 0 or file.getvalue()[start - 1 : start] == b"\n"
    assert set(rest) >= {one for one in lines if (when(one) or 0) >= since and one != b'"cut off\n'}
    assert start == 0 or len(file.getvalue()) - start <= sum(map(len, lines[max(0, since - 1) :])) + (1 << 17)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "saikoku-cel.csv"


def told(file: Path, since: float = 0.0) -> History:
    return CallRecord(file).read(since)[CALL]


@pytest.mark.req("T3")
def test_a_call_over_a_rotation_is_one(file: Path, tmp_path: Path) -> None:
    (tmp_path / "saikoku-cel.csv.1").write_bytes(b"".join(TALK[:2]))
    file.write_bytes(b"".join(TALK[2:]))
    assert told(file) == histories(TALK)[CALL]


@pytest.mark.req("T3")
def test_a_packed_rotation_is_read(file: Path, tmp_path: Path) -> None:
    with gzip.open(tmp_path / "saikoku-cel.csv-20261124.gz", "wb") as packed:
        packed.write(b"".join(TALK))
    assert told(file) == histories(TALK)[CALL]


@pytest.mark.req("T3")
def test_a_rotation_of_long_ago_is_not_read(file: Path, tmp_path: Path) -> None:
    old = tmp_path / "saikoku-cel.csv.7"
    old.write_bytes(b"".join(TALK))
    os.utime(old, (1000, 1000))
    file.write_bytes(b"")
    assert CallRecord(file).read(2000) == {}


@pytest.mark.req("T3")
def test_a_record_that_is_not_there_or_may_not_be_read_is_an_error(file: Path) -> None:
    with pytest.raises(FileNotFoundError):
        CallRecord(file).read(0)
    file.mkdir()
    with pytest.raises(IsADirectoryError):
        CallRecord(file).read(0)
