"""How often one socket may ask."""

from __future__ import annotations

from peerchat.token_bucket import TokenBucket


def test_a_burst_passes_and_then_one_token_each_interval() -> None:
    bucket = TokenBucket(burst=3, per_second=2, now=0.0)
    assert [bucket.take(now=0.0) for _ in range(3)] == [0, 0, 0]
    assert bucket.take(now=0.0) == 0.5
    assert bucket.take(now=0.5) == 0
    assert bucket.take(now=0.5) > 0


def test_rest_never_saves_up_more_than_the_burst() -> None:
    bucket = TokenBucket(burst=2, per_second=10, now=0.0)
    assert [bucket.take(now=1000.0) == 0 for _ in range(3)] == [True, True, False]
