"""The credit window of one socket: how much may be pushed before the client says that it took something in.

Pure: ``now`` is given, in seconds of any clock that never goes back. Neither Daphne nor Channels limits what
is queued for a slow reader, so we count. Answers to pulls do not count here: a socket has one at a time.
"""

from collections import deque

from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol import limits


class CreditWindow:
    """Frames and bytes that were pushed and not yet credited."""

    __slots__ = ("_bytes", "_bytes_max", "_credited", "_frames_max", "_pushed", "_sizes", "_stuck_since")

    def __init__(
        self,
        *,
        frames_max: int = limits.CREDIT_WINDOW_FRAMES,
        bytes_max: int = limits.CREDIT_WINDOW_BYTES,
    ) -> None:
        self._frames_max = frames_max
        self._bytes_max = bytes_max
        self._sizes: deque[int] = deque()
        self._bytes = 0
        self._pushed = 0
        self._credited = 0
        self._stuck_since: float | None = None

    def take(self, size: int, *, now: float) -> bool:
        """Count a frame of ``size`` bytes and return ``True``; or return ``False``: it must not be pushed."""
        if len(self._sizes) >= self._frames_max or self._bytes + size > self._bytes_max:
            if self._stuck_since is None:
                self._stuck_since = now
            return False
        self._sizes.append(size)
        self._bytes += size
        self._pushed += 1
        return True

    def credit(self, frames: int, *, now: float) -> None:
        """Take in that the client has ``frames`` pushed frames in all; raise ``request.malformed`` for more
        than it was sent.

        A number below an earlier one is late, and changes nothing.
        """
        if frames > self._pushed:
            raise PeerChatError(ErrorCode.MALFORMED, "Credit for frames that were never pushed.")
        if frames <= self._credited:
            return
        for _ in range(frames - self._credited):
            self._bytes -= self._sizes.popleft()
        self._credited = frames
        if self._stuck_since is not None:
            self._stuck_since = now

    def reopen(self) -> bool:
        """Return whether there is room again for any frame, and forget that there was none."""
        if len(self._sizes) >= self._frames_max or self._bytes + limits.FRAME_MAX_BYTES > self._bytes_max:
            return False
        self._stuck_since = None
        return True

    def stuck_for(self, *, now: float) -> float:
        """Return for how many seconds nothing could be pushed and no credit came."""
        return 0.0 if self._stuck_since is None else now - self._stuck_since
