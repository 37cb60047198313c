"""The checker itself: a right history passes, and each planted fault is found."""

from __future__ import annotations

import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import pytest

from tests.faults.history import Delivered, Fault, History, faults_in

READERS = ("anna", "bea", "database")


def right_history(seed: int = 1) -> History:
    """Ten acknowledged messages, two entries between, and one message that was stored and never acknowledged."""
    random_source = random.Random(seed)
    history = History()
    items = []
    for seq in range(1, 14):
        if seq in (4, 9):
            items.append(Delivered(seq, f"entry {seq}", f"e{seq}", False))
            continue
        key = f"m{seq}"
        history.sent[key] |= {f"d{seq}", f"d{seq} again"}
        items.append(Delivered(seq, key, random_source.choice(sorted(history.sent[key])), True))
        if seq != 13:
            history.acked[key] += [seq] * random_source.choice((1, 2))
    history.sent["never stored"].add("d")
    for name in READERS:
        history.readers[name] = list(items)
    return history


@pytest.mark.parametrize("seed", range(5))
def test_a_right_history_has_no_fault(seed: int) -> None:
    assert faults_in(right_history(seed)) == []


def lose(history: History) -> None:
    for items in history.readers.values():
        del items[5]


def lose_for_one(history: History) -> None:
    del history.readers["bea"][12]


def double(history: History) -> None:
    history.readers["anna"].insert(3, history.readers["anna"][2])


def double_under_another_seq(history: History) -> None:
    for items in history.readers.values():
        items.append(replace(items[2], seq=14))


def reorder(history: History) -> None:
    items = history.readers["anna"]
    items[6], items[7] = items[7], items[6]


def give_one_reader_another_order(history: History) -> None:
    items = history.readers["bea"]
    items[6], items[7] = replace(items[7], seq=7), replace(items[6], seq=8)


def invent(history: History) -> None:
    for items in history.readers.values():
        items.append(Delivered(14, "nobody's", "d", True))


def change_content(history: History) -> None:
    for items in history.readers.values():
        items[0] = replace(items[0], digest="changed")


def acknowledge_twice(history: History) -> None:
    history.acked["m1"] = [1, 2]


def move(history: History) -> None:
    for items in history.readers.values():
        items[-1] = replace(items[-1], seq=20)
    history.acked["m13"] = [13]


PLANTED: dict[Callable[[History], None], Fault] = {
    lose: Fault.LOST,
    lose_for_one: Fault.UNEQUAL,
    double: Fault.DOUBLED,
    double_under_another_seq: Fault.DOUBLED,
    reorder: Fault.REORDERED,
    give_one_reader_another_order: Fault.TWO_ORDERS,
    invent: Fault.INVENTED,
    change_content: Fault.INVENTED,
    acknowledge_twice: Fault.TWO_ACKS,
    move: Fault.MOVED,
}


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_found(plant: Callable[[History], None]) -> None:
    history = deepcopy(right_history())
    plant(history)
    assert PLANTED[plant] in {fault for fault, _ in faults_in(history)}


def test_every_kind_of_fault_was_planted() -> None:
    assert set(PLANTED.values()) == set(Fault)
