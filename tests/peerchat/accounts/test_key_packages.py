"""Key packages: handed out once, to one room; the last resort when there are no others."""

from threading import Thread
from uuid import uuid4

import pytest
from django.db import connection

from peerchat import clock
from peerchat.accounts.key_packages import claim, upload_key_packages
from peerchat.accounts.models import Device, KeyPackage
from peerchat.protocol import limits
from tests.support.people import Village

ROOM, OTHER_ROOM = uuid4(), uuid4()
MINUTE = 60_000


@pytest.fixture
def device(village: Village) -> Device:
    return village.join("Rosa").device


def packages(count: int, name: str = "p") -> list[bytes]:
    return [f"{name}{number}".encode() for number in range(count)]


def test_each_one_time_package_goes_to_one_room(device: Device) -> None:
    assert upload_key_packages(device=device, one_time=packages(3), last_resort=b"last") == (3, False)
    given = [claim([device.id], uuid4())[device.id] for _ in range(5)]
    assert given == [b"p0", b"p1", b"p2", b"last", b"last"]
    assert upload_key_packages(device=device, one_time=[], last_resort=None) == (0, True)


def test_the_same_room_asking_again_soon_gets_the_same_package(device: Device) -> None:
    upload_key_packages(device=device, one_time=packages(3), last_resort=b"last")
    assert {claim([device.id], ROOM)[device.id] for _ in range(4)} == {b"p0"}
    assert claim([device.id], OTHER_ROOM)[device.id] == b"p1"
    later = clock.now_ms() + MINUTE + 1
    with clock.replaced(lambda: later):
        assert claim([device.id], ROOM)[device.id] == b"p2"


def test_a_device_without_any_is_left_out(device: Device, village: Village) -> None:
    upload_key_packages(device=device, one_time=packages(1), last_resort=None)
    bare = village.join("Mara").device
    assert claim([device.id, bare.id, uuid4()], ROOM) == {device.id: b"p0"}
    assert claim([device.id], OTHER_ROOM) == {}


def test_a_revoked_device_is_left_out(device: Device) -> None:
    upload_key_packages(device=device, one_time=packages(1), last_resort=b"last")
    Device.objects.filter(id=device.id).update(revoked_at=clock.now())
    assert claim([device.id], ROOM) == {}


def test_a_package_is_over_after_fourteen_days(device: Device) -> None:
    upload_key_packages(device=device, one_time=packages(2), last_resort=b"last")
    later = clock.now_ms() + limits.KEY_PACKAGE_LIFETIME_MS
    with clock.replaced(lambda: later):
        assert claim([device.id], ROOM) == {}
        assert upload_key_packages(device=device, one_time=packages(1, "q"), last_resort=None) == (1, True)
        assert claim([device.id], ROOM) == {device.id: b"q0"}


def test_uploading_the_same_again_changes_nothing(device: Device) -> None:
    for _ in range(3):
        assert upload_key_packages(device=device, one_time=packages(4), last_resort=b"last") == (4, False)
    assert KeyPackage.objects.filter(device=device).count() == 5


def test_at_most_twenty_are_kept_the_newest(device: Device) -> None:
    upload_key_packages(device=device, one_time=packages(20), last_resort=None)
    assert upload_key_packages(device=device, one_time=packages(5, "q"), last_resort=None)[0] == 20
    kept = {bytes(row.package) for row in KeyPackage.objects.filter(device=device)}
    assert kept == {f"p{number}".encode() for number in range(5, 20)} | set(packages(5, "q"))


def test_a_new_last_resort_takes_the_place_of_the_used_one(device: Device) -> None:
    upload_key_packages(device=device, one_time=[], last_resort=b"old")
    claim([device.id], ROOM)
    assert upload_key_packages(device=device, one_time=[], last_resort=b"old") == (0, True)
    assert upload_key_packages(device=device, one_time=[], last_resort=b"new") == (0, False)
    assert claim([device.id], OTHER_ROOM) == {device.id: b"new"}


def test_which_room_took_which_package_is_soon_forgotten(device: Device) -> None:
    upload_key_packages(device=device, one_time=packages(2), last_resort=None)
    claim([device.id], ROOM)
    later = clock.now_ms() + MINUTE + 1
    with clock.replaced(lambda: later):
        upload_key_packages(device=device, one_time=[], last_resort=None)
    assert list(KeyPackage.objects.values_list("claimed_for", flat=True)) == [None]


@pytest.mark.django_db(transaction=True)
def test_rooms_that_ask_at_once_never_share_a_package() -> None:
    village = Village.found(demo=True)
    devices = [village.join(name).device for name in ("Rosa", "Mara")]
    for device in devices:
        upload_key_packages(device=device, one_time=packages(8), last_resort=None)
    given: list[bytes] = []

    def ask() -> None:
        try:
            given.extend(claim([device.id for device in devices], uuid4()).values())
        finally:
            connection.close()

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given) == sorted(packages(8) * 2)
