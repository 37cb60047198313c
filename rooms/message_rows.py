"""The few statements that every message costs, in plain SQL for both databases: the measured short cut of ``messages``.

Django's query builder and models took two thirds of what storing a message cost. The tables are ``models``', which also
says how values are written; nothing but reading and writing rows happens here. Every function needs a transaction.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Field

from peerchat.accounts.models import Account, Device
from rooms.models import GroupLeaf, LeafState, Membership, Message, Room, Standing

_ROOM, _MESSAGE = Room._meta.db_table, Message._meta.db_table
_DEVICE, _ACCOUNT = Device._meta.db_table, Account._meta.db_table
_MEMBER, _LEAF = Membership._meta.db_table, GroupLeaf._meta.db_table

_LOCK = f"""SELECT id, epoch, last_seq, locked, expiry_seconds FROM {_ROOM} WHERE id IN (%s) ORDER BY id"""  # noqa: S608
_WRITERS = f"""
SELECT d.id, m.room_id, m.account_id, m.role, m.muted, l.id
FROM {_DEVICE} d
JOIN {_ACCOUNT} a ON a.id = d.account_id
JOIN {_MEMBER} m ON m.account_id = d.account_id
LEFT JOIN {_LEAF} l ON l.room_id = m.room_id AND l.device_id = d.id AND l.state = '{LeafState.IN_GROUP.value}'
WHERE d.id IN (%s) AND d.revoked_at IS NULL AND a.forgotten_at IS NULL AND m.standing = '{Standing.MEMBER.value}'
"""  # noqa: S608 - table names and constants alone
# Row values: one look-up for each pair. Two plain INs would look up each device with each id.
_STORED = f"""
SELECT device_id, message_id, room_id, seq, at_ms, expires_at FROM {_MESSAGE}
WHERE (device_id, message_id) IN (VALUES %s)
"""  # noqa: S608
_COLUMNS = (
    "room_id", "seq", "device_id", "message_id", "epoch", "at_ms", "expires_at", "bucket_hour", "wrapped"
)  # fmt: skip
_INSERT = f"INSERT INTO {_MESSAGE} ({', '.join(_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_COLUMNS))})"  # noqa: S608
_GROW = f"UPDATE {_ROOM} SET last_seq = %s WHERE id = %s"  # noqa: S608


@dataclass(slots=True)
class RoomRow:
    """What of a room decides about a message. ``last_seq`` is counted on before it is written."""

    id: UUID
    epoch: int
    last_seq: int
    locked: bool
    expiry_seconds: int


@dataclass(frozen=True, slots=True)
class WriterRow:
    """A live device in a room of which its account is a member. ``in_group``: its leaf is there and stays."""

    account_id: UUID
    role: str
    muted: bool
    in_group: bool


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message, without what stands in it unless it is new. Times are UTC ms or aware."""

    device_id: UUID
    message_id: UUID
    room_id: UUID
    seq: int
    at_ms: int
    expires_at: datetime
    epoch: int = 0
    bucket_hour: int = 0
    wrapped: bytes = field(default=b"", repr=False)


def lock_rooms(room_ids: Collection[UUID]) -> dict[UUID, RoomRow]:
    """Lock those of the rooms that exist, by ascending id (unsorted locks deadlock), and return them."""
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    ids = [_to_id(one) for one in sorted(room_ids)]
    found = {}
    for id_, epoch, last_seq, locked, expiry in _rows(_LOCK % _marks(len(ids)) + lock, ids):
        room = RoomRow(_from_id(id_), epoch, last_seq, bool(locked), expiry)
        found[room.id] = room
    return found


def writers(device_ids: Collection[UUID]) -> dict[tuple[UUID, UUID], WriterRow]:
    """Return what each live device is to each room of its account, by device and room."""
    ids = [_to_id(one) for one in device_ids]
    return {
        (_from_id(device), _from_id(room)): WriterRow(_from_id(account), role, bool(muted), leaf is not None)
        for device, room, account, role, muted, leaf in _rows(_WRITERS % _marks(len(ids)), ids)
    }


def stored(sends: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], MessageRow]:
    """Return those of the messages that are there, by device and client id; expired ones too."""
    values = [_to_id(one) for pair in sends for one in pair]
    found = {}
    for device, message, room, seq, at_ms, expires_at in _rows(
        _STORED % ", ".join([_pair_of_marks()] * len(sends)), values
    ):
        row = MessageRow(
            _from_id(device), _from_id(message), _from_id(room), seq, at_ms, _from_time(expires_at)
        )
        found[row.device_id, row.message_id] = row
    return found


def insert(rows: Sequence[MessageRow]) -> None:
    """Store new messages. Raises ``IntegrityError``."""
    with connection.cursor() as cursor:
        cursor.executemany(_INSERT, [_values(row) for row in rows])


def grow(rooms: Iterable[RoomRow]) -> None:
    """Write the rooms' ``last_seq``."""
    with connection.cursor() as cursor:
        cursor.executemany(_GROW, [(room.last_seq, _to_id(room.id)) for room in rooms])


# --- values as this database has them ------------------------------------------------------------------


def _rows(statement: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        yield from cursor.fetchall()


def _marks(count: int) -> str:
    return ", ".join(["%s"] * count)


def _pair_of_marks() -> str:
    # PostgreSQL takes what stands in VALUES for text unless it is told.
    return "(%s::uuid, %s::uuid)" if connection.features.has_native_uuid_field else "(%s, %s)"


def _to_id(value: UUID) -> UUID | str:
    return value if connection.features.has_native_uuid_field else value.hex


def _from_id(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(hex=value)


def _from_time(value: Any) -> datetime:
    """Return what the column holds as Django would: SQLite keeps a text."""
    for convert in _time_converters(connection.vendor):
        value = convert(value, None, connection)
    assert isinstance(value, datetime)  # noqa: S101 - narrows
    return value


@cache
def _time_converters(vendor: str) -> list[Any]:
    return connection.ops.get_db_converters(_field("expires_at").get_col(_MESSAGE))


@cache
def _field(name: str) -> "Field[Any, Any]":
    found = next(one for one in Message._meta.concrete_fields if one.column == name)
    assert isinstance(found, Field)  # noqa: S101 - narrows
    return found


def _values(row: MessageRow) -> tuple[Any, ...]:
    expires_at = _field("expires_at").get_db_prep_save(row.expires_at, connection)
    wrapped = _field("wrapped").get_db_prep_save(row.wrapped, connection)
    return (
        *(_to_id(row.room_id), row.seq, _to_id(row.device_id), _to_id(row.message_id), row.epoch),
        *(row.at_ms, expires_at, row.bucket_hour, wrapped),
    )
