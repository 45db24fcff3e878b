"""Commands and their quoting. `taken_apart` does what Asterisk's parse_args does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agi.errors import CommandError, UnsafeValueError
from agi.verbs import quoted, set_variable, set_variables
from tests.unit.agi.asterisk import Talk

one_line = st.text(st.characters(exclude_characters="\r\n\0", codec="utf-8"), max_size=80)


def taken_apart(command: str) -> list[str]:
    """Words of a command: quotes hold together, a backslash takes the next character as it is (res_agi.c)."""
    words: list[str] = []
    word, in_quotes, escaped, has_word = "", False, False, False
    for mark in command:
        if escaped:
            word, escaped = word + mark, False
        elif mark == "\\":
            escaped = has_word = True
        elif mark == '"':
            in_quotes, has_word = not in_quotes, True
        elif mark in " \t" and not in_quotes:
            if has_word:
                words.append(word)
            word, has_word = "", False
        else:
            word, has_word = word + mark, True
    return [*words, word] if has_word else words


@given(one_line)
def test_a_quoted_value_arrives_as_it_was(text: str) -> None:
    assert taken_apart(f"SET VARIABLE X {quoted(text)}") == ["SET", "VARIABLE", "X", text]


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\0b"])
def test_a_line_break_cannot_be_quoted(text: str) -> None:
    with pytest.raises(UnsafeValueError):
        quoted(text)


async def test_one_variable() -> None:
    talk = Talk()
    await talk.during(set_variable(talk.session, "NAME", 'a "b" \\ 山'), "200 result=1\n")
    assert taken_apart(talk.transport.sent.decode().rstrip("\n")) == ["SET", "VARIABLE", "NAME", 'a "b" \\ 山']


async def test_several_variables_in_one_exchange() -> None:
    talk = Talk()
    await talk.during(set_variables(talk.session, {"A": "1&2", "B": "", "C": "+81-x_y.z:"}), "200 result=0\n")
    assert talk.transport.sent == b'EXEC MSet "A=1&2,B=,C=+81-x_y.z:"\n'


@pytest.mark.parametrize("value", ["a,B=2", "a b", 'a"', "a\\", "a\n", "a=b", "(", "山", "${X}"])
async def test_values_that_mset_would_read_otherwise_are_not_sent(value: str) -> None:
    talk = Talk()
    with pytest.raises(UnsafeValueError):
        await talk.during(set_variables(talk.session, {"A": value, "C": "1"}))
    assert talk.transport.sent == b""


@pytest.mark.parametrize("name", ["", "A B", "A\n", "1A", "A=B", "CALLERID(num)"])
async def test_a_name_that_is_none_is_not_sent(name: str) -> None:
    talk = Talk()
    with pytest.raises(UnsafeValueError):
        await talk.during(set_variables(talk.session, {name: "1"}))
    with pytest.raises(UnsafeValueError):
        await talk.during(set_variable(talk.session, name, "1"))
    assert talk.transport.sent == b""


@pytest.mark.parametrize("reply", ["200 result=-2", "200 result=-1", "510 Invalid or unknown command", "520 Usage"])
async def test_asterisk_saying_no_is_an_error(reply: str) -> None:
    talk = Talk()
    with pytest.raises(CommandError):
        await talk.during(set_variables(talk.session, {"A": "1"}), reply + "\n")
    with pytest.raises(CommandError):
        await talk.during(set_variable(talk.session, "A", "1"), reply + "\n")
