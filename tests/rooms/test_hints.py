"""What processes tell each other."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.hints import NOTHING, Here, Hint, from_message, to_message

ids = st.integers(1, 5).map(lambda number: UUID(int=number))
here = st.builds(
    Here,
    at=st.integers(0, 2**53 - 1),
    account_id=ids,
    rooms=st.lists(st.tuples(ids, st.sampled_from(["speaking", "listening"])), max_size=3).map(tuple),
)
hints = st.builds(
    Hint,
    rooms=st.dictionaries(ids, st.integers(0, 2**53 - 1), max_size=4),
    devices=st.frozensets(ids),
    refetch=st.frozensets(ids),
    everyone=st.booleans(),
    ended=st.frozensets(st.tuples(ids, ids)),
    sessions=st.frozensets(ids),
    present=st.dictionaries(ids, here, max_size=3),
)


@given(hints)
def test_a_hint_passes_a_layer_unchanged(hint: Hint) -> None:
    assert from_message(to_message(hint)) == hint


@given(hints)
def test_what_a_version_without_presence_says_is_understood(hint: Hint) -> None:
    message = to_message(hint)
    del message["present"]
    assert from_message(message).rooms == hint.rooms


@given(hints, hints)
def test_two_hints_in_one_say_all_that_both_said(one: Hint, other: Hint) -> None:
    both = one | other
    for room_id in one.rooms.keys() | other.rooms.keys():
        assert both.rooms[room_id] == max(one.rooms.get(room_id, 0), other.rooms.get(room_id, 0))
    assert both.ended == one.ended | other.ended
    assert both.everyone == (one.everyone or other.everyone)
    assert both == other | one


@given(hints)
def test_nothing_adds_nothing(hint: Hint) -> None:
    assert (hint | NOTHING) == hint
    assert not NOTHING


@given(hints)
def test_a_hint_carries_ids_and_numbers_alone(hint: Hint) -> None:
    def check(value: object) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                assert len(key) == 32 or key in to_message(NOTHING)
                check(inner)
        elif isinstance(value, list):
            for inner in value:
                check(inner)
        elif isinstance(value, str) and value not in ("speaking", "listening"):
            assert UUID(hex=value).hex == value
        else:
            assert isinstance(value, int | str)

    check(to_message(hint))


@pytest.mark.parametrize("message", [{}, {"rooms": {"zz": 1}}, {**to_message(NOTHING), "rooms": {"x": 1}}])
def test_what_is_no_hint_is_refused(message: dict[str, object]) -> None:
    with pytest.raises((KeyError, ValueError, TypeError)):
        from_message(message)
