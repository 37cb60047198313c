"""How often one socket may ask. Pure, in memory, for one socket's life: nothing here outlives or identifies anyone."""


class TokenBucket:
    """``burst`` tokens at most, ``per_second`` new ones; ``now`` in seconds of a clock that never goes back."""

    __slots__ = ("_at", "_burst", "_per_second", "_tokens")

    def __init__(self, *, burst: float, per_second: float, now: float) -> None:
        self._burst = burst
        self._per_second = per_second
        self._tokens = burst
        self._at = now

    def take(self, *, now: float) -> float:
        """Take one token and return 0; or take none and return how many seconds to wait for one."""
        self._refill(now)
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._per_second

    def owe(self, tokens: float, *, now: float) -> float:
        """Take ``tokens`` whether or not they are there, and return how many seconds until none is owed."""
        self._refill(now)
        self._tokens -= tokens
        return max(0.0, -self._tokens / self._per_second)

    def _refill(self, now: float) -> None:
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_second)
        self._at = now
