"""A preallocated file of 32-byte keys that die by being overwritten: hour keys, and the server's part of a PIN.

Deleting a row deletes nothing: SQLite's WAL and PostgreSQL's heap keep the bytes. So the keys that rows are
wrapped under live here, in no database, no Redis and no backup; a key is destroyed by writing zeros over it
in place and flushing them. The file is never copied, renamed over or grown, since each of these leaves the
old bytes behind.

It does not protect against storage that writes elsewhere by itself: copy-on-write file systems, snapshots,
flash wear. It does not encrypt the keys: the file's mode (0600) is their protection.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from threading import RLock

KEY_BYTES = 32
NAME_MAX_BYTES = 32
SLOTS_DEFAULT = 32_768
"""2 MB: 30 days of hours need 721, the others are one for each device with a PIN."""

_SLOT_BYTES = NAME_MAX_BYTES + KEY_BYTES
_MAGIC = b"peerchat key file 1"
_HEADER = _MAGIC.ljust(_SLOT_BYTES, b"\x00")
_NO_NAME = bytes(NAME_MAX_BYTES)
_NO_KEY = bytes(KEY_BYTES)


class KeyFileError(Exception):
    """The file is not one of ours, is open to others, or is full. Never goes on without it."""


class KeyFile:
    """Named slots in one file, safe for several threads and processes (``flock`` around every access).

    Names are at most 32 bytes of UTF-8 and stand in clear: no secret and no person's words belong in them.
    """

    def __init__(self, path: Path, *, slots: int = SLOTS_DEFAULT) -> None:
        """Open the file at ``path``; make it with ``slots`` slots if there is none. An existing file keeps its size."""
        self._path = path
        if not path.exists():
            _make(path, slots)
        self._lock = RLock()
        self._places: dict[bytes, int] = {}
        self._open()

    def _open(self) -> None:
        self._file = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        self._pid = os.getpid()
        status = os.fstat(self._file)
        if status.st_mode & 0o077:
            raise KeyFileError("the key file can be read by others: its mode must be 0600")
        if status.st_size % _SLOT_BYTES or os.pread(self._file, _SLOT_BYTES, 0) != _HEADER:
            raise KeyFileError("this is no key file")
        self._size = status.st_size

    @contextmanager
    def _locked(self, *, write: bool) -> Iterator[int]:
        with self._lock:
            # flock belongs to the open file, which a fork shares: a child that kept it would not be kept out.
            if self._pid != os.getpid():
                self._open()
            fcntl.flock(self._file, fcntl.LOCK_EX if write else fcntl.LOCK_SH)
            try:
                yield self._file
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def get(self, name: str) -> bytes | None:
        """Return the key named ``name``, or ``None`` when there is none (any more)."""
        with self._locked(write=False) as file:
            return self._read(file, self._find(file, _encode(name)))

    def get_or_create(self, name: str) -> bytes:
        """Return the key named ``name``; make a random one if there is none. It is on the disk when this returns."""
        found = self.get(name)
        if found is not None:
            return found
        encoded = _encode(name)
        with self._locked(write=True) as file:
            place = self._find(file, encoded)
            found = self._read(file, place)
            if found is not None:
                return found
            if place is None:
                place = self._find(file, _NO_NAME)
            if place is None:
                raise KeyFileError("the key file is full")
            key = os.urandom(KEY_BYTES)
            self._write(file, place, encoded + key)
            self._places[encoded] = place
            return key

    def destroy(self, name: str) -> bool:
        """Overwrite the key named ``name``; return whether there was one. Its bytes are gone when this returns.

        The key goes first and the name second: a name whose key is zeros, as a crash leaves it, counts as no
        key.
        """
        encoded = _encode(name)
        with self._locked(write=True) as file:
            place = self._find(file, encoded)
            if place is None:
                return False
            self._write(file, place + NAME_MAX_BYTES, _NO_KEY)
            self._write(file, place, _NO_NAME)
            self._places.pop(encoded, None)
            return True

    def names(self, *, prefix: str = "") -> list[str]:
        """Return the names in use that start with ``prefix``, sorted."""
        with self._locked(write=False) as file:
            data = os.pread(file, self._size, 0)
        slots = range(_SLOT_BYTES, self._size, _SLOT_BYTES)
        found = (data[at : at + NAME_MAX_BYTES].rstrip(b"\x00").decode() for at in slots)
        return sorted(name for name in found if name and name.startswith(prefix))

    def close(self) -> None:
        """Close the file; the object is of no use afterwards."""
        os.close(self._file)

    def _find(self, file: int, name: bytes) -> int | None:
        """Return where the slot of the encoded ``name`` begins. Another process may have freed the one remembered."""
        place = self._places.get(name)
        if place is not None and os.pread(file, NAME_MAX_BYTES, place) == name:
            return place
        self._places.pop(name, None)
        data = os.pread(file, self._size, 0)
        at = data.find(name, _SLOT_BYTES)
        while at != -1 and at % _SLOT_BYTES:
            at = data.find(name, at + 1)
        if at == -1:
            return None
        if name != _NO_NAME:
            self._places[name] = at
        return at

    def _read(self, file: int, place: int | None) -> bytes | None:
        key = _NO_KEY if place is None else os.pread(file, KEY_BYTES, place + NAME_MAX_BYTES)
        return None if key == _NO_KEY else key

    def _write(self, file: int, place: int, data: bytes) -> None:
        if place < _SLOT_BYTES or place + len(data) > self._size:
            raise KeyFileError("a write outside the slots")
        if os.pwrite(file, data, place) != len(data):
            raise KeyFileError("a short write to the key file")
        os.fsync(file)


@cache
def key_file_at(path: Path) -> KeyFile:
    """Return this process's one ``KeyFile`` for ``path``."""
    return KeyFile(path)


def _encode(name: str) -> bytes:
    encoded = name.encode()
    if not encoded or len(encoded) > NAME_MAX_BYTES or b"\x00" in encoded:
        raise ValueError("a slot's name has 1 to 32 bytes")
    return encoded.ljust(NAME_MAX_BYTES, b"\x00")


def _make(path: Path, slots: int) -> None:
    """Write an empty file beside ``path`` and link it there, so that no process ever sees half of one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with os.fdopen(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb"
        ) as file:
            # Zeros are written, not a hole: each block must have its place before a key is put there.
            file.write(_HEADER + bytes(_SLOT_BYTES * slots))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        draft.unlink(missing_ok=True)
