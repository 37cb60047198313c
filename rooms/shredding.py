"""Messages are wrapped under the key of the hour in which they end; the key is destroyed when that hour is over.

Deleting a row leaves its bytes in the database's files; destroying the key does not (``peerchat/keyfile``). So the
key dies first and the rows follow (``retention``). A message is hidden at ``expires_at`` and unreadable at most an
hour later.
"""

from datetime import datetime
from uuid import UUID

from django.conf import settings

from peerchat import sodium
from peerchat.clock import to_ms
from peerchat.keyfile import KeyFile, key_file_at

HOUR_MS = 3_600_000
PREFIX = "hour:"


def bucket_of(expires_at_ms: int) -> int:
    """Return the hour (since 1970) at whose start a message that ends at ``expires_at_ms`` (UTC ms) loses its key."""
    return -(-expires_at_ms // HOUR_MS)


def hour_key(bucket_hour: int) -> bytes:
    """Return the hour's key; a new one is on the disk when this returns, so before any row that needs it."""
    return _keys().get_or_create(_name(bucket_hour))


def keys_of(bucket_hours: set[int]) -> dict[int, bytes]:
    """Return the keys that still exist of these hours."""
    found = {hour: _keys().get(_name(hour)) for hour in bucket_hours}
    return {hour: key for hour, key in found.items() if key is not None}


def wrap(*, key: bytes, room_id: UUID, seq: int, message_id: UUID, ciphertext: bytes) -> bytes:
    """Return the row's content: only in its own place does it open again."""
    return sodium.wrap(key=key, plaintext=ciphertext, associated=_place(room_id, seq, message_id))


def unwrap(*, key: bytes, room_id: UUID, seq: int, message_id: UUID, wrapped: bytes) -> bytes:
    """Return what ``wrap`` was given; raise ``sodium.OpenFailed`` for a row that was moved or changed."""
    return sodium.unwrap(key=key, wrapped=wrapped, associated=_place(room_id, seq, message_id))


def last_bucket_over(now: datetime) -> int:
    """Return the newest hour (since 1970) whose messages have all ended at ``now``."""
    return to_ms(now) // HOUR_MS


def destroy_due(now: datetime) -> int:
    """Destroy the keys of the hours that are over; return how many. Takes the key file's lock, no database."""
    keys, last = _keys(), last_bucket_over(now)
    due = [name for name in keys.names(prefix=PREFIX) if int(name.removeprefix(PREFIX)) <= last]
    return sum(keys.destroy(name) for name in due)


def _keys() -> KeyFile:
    return key_file_at(settings.PEERCHAT.key_file)


def _name(bucket_hour: int) -> str:
    return f"{PREFIX}{bucket_hour}"


def _place(room_id: UUID, seq: int, message_id: UUID) -> bytes:
    return b"peerchat/v1/message-row\x00" + room_id.bytes + seq.to_bytes(8, "big") + message_id.bytes
