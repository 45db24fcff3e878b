"""SMPP 3.4 PDUs over smpplib's codec, guarded: what it cuts, loses or trips over is mended or refused here.

smpplib 2.2.4 is kept for what holds: the layout of every PDU. What does not hold is replaced: a sequence number given to
its constructor is ignored, and parsing a request uses one up; strings too long are cut in silence; a string without its
end reads from behind; optional parameters it knows but did not expect end in KeyError, unknown ones end the PDU, a
string among them loses its last character. So optional parameters are read here, as octets, whatever they are.

Nothing here is logged: a PDU holds phone numbers, texts and secrets.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from smpplib import command, command_codes, consts
from smpplib.ptypes import ostr

from sms_smpp.errors import BadField, FramingLost, Malformed

HEADER_BYTES: Final = 16
LONGEST: Final = 70_000
"""A PDU with a `message_payload` of 64 KiB and everything else fits; nothing longer is ever held in memory."""

LAST_SEQUENCE: Final = 0x7FFFFFFF
RESPONSE: Final = 0x80000000

RECEIPTED_MESSAGE_ID: Final = consts.OPTIONAL_PARAMS["receipted_message_id"]
MESSAGE_STATE: Final = consts.OPTIONAL_PARAMS["message_state"]
NETWORK_ERROR_CODE: Final = consts.OPTIONAL_PARAMS["network_error_code"]
MESSAGE_PAYLOAD: Final = consts.OPTIONAL_PARAMS["message_payload"]

_SHORT_MESSAGE_BYTES: Final = 254
_SUBMIT_SM: Final = command_codes.get_command_code("submit_sm")
_NAMES: Final = {code: name for name, code in command_codes.commands.items()}


# -- the stream -----------------------------------------------------------------------------------------------------------


class Framer:
    """Cuts the stream into PDUs by their `command_length`, which is believed only within bounds."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The PDUs that `chunk` completes. Raises FramingLost at a length that cannot be."""
        self._buffer += chunk
        while len(self._buffer) >= 4:
            length = int.from_bytes(self._buffer[:4], "big")
            if not HEADER_BYTES <= length <= LONGEST:
                raise FramingLost(f"a PDU of {length} bytes")
            if len(self._buffer) < length:
                return
            frame = bytes(self._buffer[:length])
            del self._buffer[:length]
            yield frame

    def __len__(self) -> int:
        return len(self._buffer)


@dataclass(frozen=True, slots=True)
class Pdu:
    """One PDU from the carrier. `command` is empty for a command that nobody knows; `body` is read by `fields`."""

    command: str
    code: int
    status: int
    sequence: int
    body: bytes = field(repr=False)

    @property
    def is_response(self) -> bool:
        return bool(self.code & RESPONSE)


def header(frame: bytes) -> Pdu:
    """The header of a whole PDU: never fails for what a Framer gave."""
    _, code, status, sequence = struct.unpack(">LLLL", frame[:HEADER_BYTES])
    return Pdu(_NAMES.get(code, ""), code, status, sequence, frame[HEADER_BYTES:])


# -- reading a body ---------------------------------------------------------------------------------------------------------


class _Nobody:
    """The client that smpplib asks for its next sequence number, also where none is needed."""

    sequence = 0

    def next_sequence(self) -> int:
        return 0


_NOBODY: Final = _Nobody()


class _Guarded:
    """Over smpplib's commands: the same layout, read without running past the end."""

    params: Mapping[str, Any]

    def _parse_string(self, name: str, data: bytes, pos: int) -> tuple[bytes, int]:
        end = data.find(b"\0", pos)
        if end < 0:
            raise Malformed(f"{name} does not end")
        setattr(self, name, data[pos:end])
        return data, end + 1

    def _parse_ostring(self, name: str, data: bytes, pos: int) -> tuple[bytes, int]:
        end = pos + getattr(self, self.params[name].len_field)
        if end > len(data):
            raise Malformed(f"{name} is shorter than its length says")
        setattr(self, name, data[pos:end])
        return data, end

    def parse_optional_params(self, data: bytes) -> None:
        self.tlvs = _tlvs(data)


def _guarded(base: type[Any]) -> type[Any]:
    return type(f"Guarded{base.__name__}", (_Guarded, base), {"tlvs": {}})


_READ: Final = {
    name: _guarded(base)
    for name, base in {
        "bind_transmitter_resp": command.BindTransmitterResp,
        "bind_receiver_resp": command.BindReceiverResp,
        "bind_transceiver_resp": command.BindTransceiverResp,
        "submit_sm": command.SubmitSM,
        "deliver_sm": command.DeliverSM,
        "data_sm": command.DataSM,
        "query_sm_resp": command.QuerySMResp,
    }.items()
}


def _tlvs(data: bytes) -> dict[int, bytes]:
    """Optional parameters, known or not, as they came; of one that comes twice, the first."""
    found: dict[int, bytes] = {}
    pos = 0
    while pos < len(data):
        if pos + 4 > len(data):
            raise Malformed("an optional parameter without a length")
        tag, length = struct.unpack_from(">HH", data, pos)
        pos += 4 + length
        if pos > len(data):
            raise Malformed(f"optional parameter 0x{tag:04x} is shorter than its length says")
        found.setdefault(tag, data[pos - length : pos])
    return found


def _read(pdu: Pdu) -> Any:
    """smpplib's object with the fields of the body; those that a short body leaves out are None."""
    parsed = _READ[pdu.command](pdu.command, client=_NOBODY)
    try:
        parsed.parse_params(pdu.body)
    except struct.error as error:
        raise Malformed(f"{pdu.command} ends within a number") from error
    return parsed


def _text(value: bytes | None) -> str:
    """Addresses and ids are ASCII; what is not shows as what it was, and is never an error."""
    return (value or b"").decode("ascii", "backslashreplace")


def message_id(pdu: Pdu) -> str:
    """The carrier's id in a `submit_sm_resp`; empty where it sent none, as with an error. Raises Malformed. Read here: one comes
    with every message."""
    if not pdu.body:
        return ""
    end = pdu.body.find(b"\0")
    if end < 0:
        raise Malformed("message_id does not end")
    if end + 1 < len(pdu.body):
        _tlvs(pdu.body[end + 1 :])
    return _text(pdu.body[:end])


@dataclass(frozen=True, slots=True)
class Queried:
    """What the carrier answers to `query_sm`: SMPP's `message_state`, and its own code for what went wrong (0: nothing)."""

    message_state: int
    error_code: int


def queried(pdu: Pdu) -> Queried:
    """Read a `query_sm_resp`. Raises Malformed."""
    parsed = _read(pdu)
    if parsed.message_state is None:
        raise Malformed("query_sm_resp ends too early")
    return Queried(parsed.message_state, parsed.error_code or 0)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the carrier hands us (`deliver_sm` or `data_sm`): a receipt, or a message that somebody sent.

    `octets`: the text as coded, wherever it stood. `raw`: the whole body, to keep what is not understood.
    """

    source: str = field(repr=False)
    destination: str
    esm_class: int
    data_coding: int
    octets: bytes = field(repr=False)
    tlvs: Mapping[int, bytes] = field(repr=False)
    raw: bytes = field(repr=False)


def delivery(pdu: Pdu) -> Delivery:
    """Read a `deliver_sm` or `data_sm`. Raises Malformed."""
    parsed = _read(pdu)
    text: bytes | None = getattr(parsed, "short_message", None)
    if parsed.data_coding is None or (text is None and getattr(parsed, "sm_length", False)):
        raise Malformed(f"{pdu.command} ends too early")
    return Delivery(
        _text(parsed.source_addr),
        _text(parsed.destination_addr),
        parsed.esm_class,
        parsed.data_coding,
        text or parsed.tlvs.get(MESSAGE_PAYLOAD, b""),
        parsed.tlvs,
        pdu.body,
    )


# -- writing ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Address:
    """A number or name as SMPP carries it: type of number and numbering plan beside it."""

    digits: str = field(repr=False)
    ton: int = 1
    npi: int = 1


@dataclass(frozen=True, slots=True)
class Submission:
    """One `submit_sm`. `octets` is header and coded text; `payload` sends it as `message_payload`.

    `validity`: SMPP's absolute or relative time (`000001000000000R` is a day), empty for the carrier's own. `tag` is the
    caller's own name for it and is not sent.
    """

    source: Address
    destination: Address
    octets: bytes = field(repr=False)
    data_coding: int = 0
    has_header: bool = False
    payload: bool = False
    validity: str = ""
    wants_receipt: bool = True
    tag: str = ""


def submit_sm(sequence: int, submission: Submission) -> bytes:
    """Raises BadField. Written out here: smpplib takes longer over it than everything else about a message."""
    octets = submission.octets
    _refuse("data_coding", submission.data_coding, command.SubmitSM.params["data_coding"])
    if not submission.payload and len(octets) > _SHORT_MESSAGE_BYTES:
        raise BadField(f"a short message of {len(octets)} bytes; {_SHORT_MESSAGE_BYTES} can be carried")
    fields = (
        b"\0", _sender(submission.source), _address("dest", "destination_addr", submission.destination),
        bytes((consts.SMPP_GSMFEAT_UDHI if submission.has_header else 0, 0, 0, 0)),
        _ended("validity_period", submission.validity),
        bytes((submission.wants_receipt, 0, submission.data_coding, 0, 0 if submission.payload else len(octets))),
        struct.pack(">HH", MESSAGE_PAYLOAD, len(octets)) if submission.payload else b"", octets,
    )  # fmt: skip
    body = b"".join(fields)
    return struct.pack(">LLLL", HEADER_BYTES + len(body), _SUBMIT_SM, 0, sequence) + body


def _address(side: str, key: str, address: Address) -> bytes:
    params = command.SubmitSM.params
    _refuse(f"{side}_addr_ton", address.ton, params[f"{side}_addr_ton"])
    _refuse(f"{side}_addr_npi", address.npi, params[f"{side}_addr_npi"])
    return bytes((address.ton, address.npi)) + _ended(key, address.digits)


@lru_cache(maxsize=16)
def _sender(address: Address) -> bytes:
    """An office has few."""
    return _address("source", "source_addr", address)


def _ended(key: str, value: str) -> bytes:
    _refuse(key, value, command.SubmitSM.params[key])
    return value.encode("ascii") + b"\0"


def query_sm(sequence: int, message_id: str, source: Address) -> bytes:
    """`source` as it was submitted with. Raises BadField."""
    return _written(
        "query_sm",
        command.QuerySM,
        sequence,
        message_id=message_id,
        source_addr_ton=source.ton,
        source_addr_npi=source.npi,
        source_addr=source.digits,
    )


def bind(kind: str, sequence: int, system_id: str, password: str, system_type: str) -> bytes:
    """`kind`: `transceiver`, `transmitter` or `receiver`. Raises BadField."""
    base = {
        "transceiver": command.BindTransceiver,
        "transmitter": command.BindTransmitter,
        "receiver": command.BindReceiver,
    }[kind]
    return _written(f"bind_{kind}", base, sequence, system_id=system_id, password=password, system_type=system_type)


def bare(name: str, sequence: int, status: int = 0) -> bytes:
    """A PDU that is its header only: enquiries, unbinding, `generic_nack`."""
    return struct.pack(">LLLL", HEADER_BYTES, command_codes.get_command_code(name), status, sequence)


def numbered(frame: bytes, sequence: int) -> bytes:
    """The same PDU under another sequence number."""
    return frame[:12] + sequence.to_bytes(4, "big") + frame[HEADER_BYTES:]


def delivery_response(pdu: Pdu, status: int) -> bytes:
    """The answer to a `deliver_sm` or `data_sm`; its message_id is not used and empty."""
    base = command.DataSMResp if pdu.command == "data_sm" else command.DeliverSMResp
    return _written(f"{pdu.command}_resp", base, pdu.sequence, status=status)


def _written(name: str, base: type[Any], sequence: int, *, status: int = 0, **values: Any) -> bytes:
    for key, value in values.items():
        if value is not None:
            _refuse(key, value, base.params[key])
    pdu = base(name, client=_NOBODY, **values)
    pdu.sequence, pdu.status = sequence, status  # its constructor ignores both
    encoded: bytes = pdu.generate()
    return encoded


def _refuse(key: str, value: Any, param: Any) -> None:
    """The one place for what smpplib would cut or garble. The message names the key only: the value may be a secret."""
    if isinstance(value, str):
        if not value.isascii() or "\0" in value:
            raise BadField(f"{key} holds what SMPP cannot carry")
        if len(value) >= param.max:
            raise BadField(f"{key} has {len(value)} characters; SMPP carries {param.max - 1}")
    elif param.type is not ostr and not 0 <= value < 1 << 8 * param.size:
        raise BadField(f"{key} is {value}")
