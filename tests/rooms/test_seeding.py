"""Seeded rooms are as real as rooms can be without MLS, and are never made where people are."""

import json
import stat
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from peerchat.accounts.models import Account, Community, Device
from peerchat.accounts.sessions import session_of
from peerchat.config import load
from peerchat.protocol import limits
from rooms import memberships
from rooms.messages import PendingSend, Posted, post_messages
from rooms.models import GroupLeaf, LeafState, RoomEntry
from rooms.seeding import seed
from tests.support.people import Village

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def debug(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = load({"PEERCHAT_DEBUG": "1", "PEERCHAT_DATA_DIR": str(tmp_path)})
    monkeypatch.setattr(settings, "PEERCHAT", config)


def test_everyone_is_signed_in_and_may_write_at_once(tmp_path: Path) -> None:
    out = tmp_path / "seed.json"
    call_command("seed", rooms=2, members=3, out=out)
    told = json.loads(out.read_text())
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert (told["version"], len(told["rooms"])) == (1, 2)
    sends = []
    for room in told["rooms"]:
        assert len(room["members"]) == 3
        for person in room["members"]:
            session = session_of(person["session"])
            assert session is not None
            assert session.device_id == UUID(hex=person["device_id"])
            (mark,) = memberships.rooms_of(session.device)
            assert (mark.room_id.hex(), mark.epoch, mark.last_seq) == (
                room["room_id"],
                room["epoch"],
                room["last_seq"],
            )
            sends.append(
                PendingSend(
                    device_id=session.device_id,
                    room_id=UUID(hex=room["room_id"]),
                    message_id=uuid4(),
                    epoch=room["epoch"],
                    ciphertext=b"sealed",
                )
            )
    assert all(isinstance(outcome, Posted) for outcome in post_messages(sends))


def test_who_fits_a_room_is_admitted_and_who_does_not_is_only_counted() -> None:
    # As small as the limit allows: see what the limit is made to be here.
    small = 4
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "ROOM_MEMBERS_MAX", small)
        seeded = seed(rooms=1, members=small + 2)
    room_id = UUID(bytes=seeded.rooms[0].room_id)
    admitted = RoomEntry.objects.filter(room_id=room_id, action="admit").count()
    leaves = GroupLeaf.objects.filter(room_id=room_id, state=LeafState.IN_GROUP).count()
    assert (admitted, leaves) == (small - 1, small + 2)


def test_seeding_is_refused_without_debug_mode(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(settings, "PEERCHAT", load({"PEERCHAT_DATA_DIR": str(tmp_path)}))
    with pytest.raises(CommandError, match="PEERCHAT_DEBUG"):
        call_command("seed", rooms=1, members=1, out=tmp_path / "seed.json")
    assert not (tmp_path / "seed.json").exists()
    assert not Community.objects.exists()


def test_seeding_is_refused_where_there_is_a_community(tmp_path: Path) -> None:
    Village.found(demo=True)
    with pytest.raises(CommandError, match="empty database"):
        call_command("seed", rooms=1, members=1, out=tmp_path / "seed.json")
    assert Account.objects.count() == 1
    assert not (tmp_path / "seed.json").exists()


def test_no_file_is_written_over(tmp_path: Path) -> None:
    out = tmp_path / "seed.json"
    out.write_text("mine")
    with pytest.raises(CommandError, match="cannot be made"):
        call_command("seed", rooms=1, members=1, out=out)
    assert out.read_text() == "mine"
    assert not Device.objects.exists()
