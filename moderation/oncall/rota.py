"""Who is on call when, pure: rotations in local time, overrides and swaps, and the gaps between them.

Turns are reckoned in days of the layer's own time zone, so that a hand-over at 09:00 stays at 09:00 when the clocks
change: that turn is an hour shorter or longer. A local time that does not exist (the clocks went forward over it) means
the moment at which they did; one that exists twice means the first. Moments are UTC milliseconds since 1970.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

STEP_MS = 15 * 60 * 1000
"""How finely gaps are looked for; every zone's offset is a multiple of it."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """One layer. ``hours``: the part of each day that it covers, local; ``None``: all of it."""

    tier: int
    zone: ZoneInfo
    first_day: date
    handoff: time
    turn_days: int
    members: tuple[UUID, ...]
    hours: tuple[time, time] | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Someone by name from ``starts`` until before ``ends``; ``replaces``: alone in the tier meanwhile."""

    tier: int
    person: UUID
    starts: int
    ends: int
    replaces: bool = False

    def holds(self, moment: int) -> bool:
        return self.starts <= moment < self.ends


@dataclass(frozen=True, slots=True)
class Rota:
    rotations: tuple[Rotation, ...] = ()
    stretches: tuple[Stretch, ...] = ()

    @property
    def tiers(self) -> int:
        """How many tiers it names; one at least, so that an empty rota is seen to be empty."""
        named = [one.tier for one in self.rotations] + [one.tier for one in self.stretches]
        return max(named, default=0) + 1


@dataclass(frozen=True, slots=True)
class Gap:
    """Nobody is on call in ``tier`` from ``starts`` until before ``ends``."""

    tier: int
    starts: int
    ends: int


def on_call(rota: Rota, moment: int) -> tuple[tuple[UUID, ...], ...]:
    """Return who is on call at ``moment``, tier by tier, each person once in a tier."""
    return tuple(_in_tier(rota, tier, moment) for tier in range(rota.tiers))


def _in_tier(rota: Rota, tier: int, moment: int) -> tuple[UUID, ...]:
    named = [one for one in rota.stretches if one.tier == tier and one.holds(moment)]
    instead = [one.person for one in named if one.replaces]
    if instead:
        return tuple(dict.fromkeys(instead))
    turns = [_whose_turn(one, moment) for one in rota.rotations if one.tier == tier]
    people = [*(one for one in turns if one is not None), *(one.person for one in named)]
    return tuple(dict.fromkeys(people))


def _whose_turn(layer: Rotation, moment: int) -> UUID | None:
    if not layer.members or moment < moment_of(layer.first_day, layer.handoff, layer.zone):
        return None
    local = datetime.fromtimestamp(moment / 1000, tz=layer.zone)
    if layer.hours is not None and not _within(local.time(), layer.hours):
        return None
    # Before today's hand-over it is still yesterday's turn.
    day = local.date()
    if moment < moment_of(day, layer.handoff, layer.zone):
        day -= timedelta(days=1)
    turn = (day - layer.first_day).days // layer.turn_days
    return layer.members[turn % len(layer.members)]


def _within(local: time, hours: tuple[time, time]) -> bool:
    begins, ends = hours
    return begins <= local < ends if begins < ends else local >= begins or local < ends


def moment_of(day: date, local: time, zone: ZoneInfo) -> int:
    """Return when ``local`` is on ``day`` in ``zone``, in UTC ms."""
    wanted = datetime.combine(day, local, tzinfo=zone)
    utc = wanted.astimezone(UTC)
    if utc.astimezone(zone).replace(tzinfo=None) != wanted.replace(tzinfo=None):
        # It does not exist that day. With fold=1 the offset after the change counts, with fold=0 the one before: the
        # change itself lies between the two readings.
        utc = _change_between(wanted.replace(fold=1).astimezone(UTC), utc, zone)
    return round(utc.timestamp() * 1000)


def _change_between(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def gaps(rota: Rota, *, starts: int, ends: int) -> Iterator[Gap]:
    """Yield the stretches between ``starts`` and ``ends`` in which a tier has nobody, to ``STEP_MS``."""
    for tier in range(rota.tiers):
        opened: int | None = None
        for moment in range(starts, ends, STEP_MS):
            if _in_tier(rota, tier, moment):
                if opened is not None:
                    yield Gap(tier, opened, moment)
                opened = None
            elif opened is None:
                opened = moment
        if opened is not None:
            yield Gap(tier, opened, ends)
