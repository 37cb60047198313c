"""The credit window of one socket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol import limits
from rooms.window import CreditWindow


def test_sixty_four_frames_may_be_on_their_way_and_not_one_more() -> None:
    window = CreditWindow()
    assert all(window.take(100, now=0.0) for _ in range(limits.CREDIT_WINDOW_FRAMES))
    assert not window.take(100, now=0.0)


def test_one_megabyte_may_be_on_its_way_and_not_a_byte_more() -> None:
    window = CreditWindow()
    size = limits.CREDIT_WINDOW_BYTES // 20
    assert all(window.take(size, now=0.0) for _ in range(20))
    assert not window.take(size, now=0.0)


def test_credit_makes_room_again() -> None:
    window = CreditWindow(frames_max=2)
    assert window.take(1, now=0.0)
    assert window.take(1, now=0.0)
    assert not window.take(1, now=0.0)
    window.credit(1, now=1.0)
    assert window.reopen()
    assert window.take(1, now=1.0)


def test_credit_counts_all_since_connecting_so_a_late_one_changes_nothing() -> None:
    window = CreditWindow(frames_max=3)
    for _ in range(3):
        window.take(1, now=0.0)
    window.credit(3, now=0.0)
    window.credit(1, now=0.0)
    assert all(window.take(1, now=0.0) for _ in range(3))
    assert not window.take(1, now=0.0)


def test_credit_for_what_was_never_pushed_is_refused_and_changes_nothing() -> None:
    window = CreditWindow(frames_max=1)
    window.take(1, now=0.0)
    with pytest.raises(PeerChatError) as refusal:
        window.credit(2, now=0.0)
    assert refusal.value.code is ErrorCode.MALFORMED
    assert not window.take(1, now=0.0)


def test_a_reader_is_stuck_only_while_something_is_held_back() -> None:
    window = CreditWindow(frames_max=1)
    window.take(1, now=0.0)
    assert window.stuck_for(now=100.0) == 0
    window.take(1, now=100.0)
    assert window.stuck_for(now=109.0) == 9
    window.credit(1, now=109.0)
    assert window.reopen()
    assert window.stuck_for(now=200.0) == 0


def test_any_credit_starts_the_ten_seconds_again() -> None:
    window = CreditWindow(frames_max=10, bytes_max=2 * limits.FRAME_MAX_BYTES)
    for _ in range(3):
        window.take(limits.FRAME_MAX_BYTES - 1, now=0.0)
    window.credit(1, now=8.0)
    assert window.stuck_for(now=12.0) == 4


@given(st.lists(st.tuples(st.booleans(), st.integers(1, limits.FRAME_MAX_BYTES)), max_size=300))
def test_what_is_on_its_way_never_passes_either_limit(steps: list[tuple[bool, int]]) -> None:
    window, sizes, credited = CreditWindow(), [], 0
    for is_push, size in steps:
        if is_push:
            if window.take(size, now=0.0):
                sizes.append(size)
        elif sizes[credited:]:
            credited += 1
            window.credit(credited, now=0.0)
        assert len(sizes) - credited <= limits.CREDIT_WINDOW_FRAMES
        assert sum(sizes[credited:]) <= limits.CREDIT_WINDOW_BYTES
