"""Whose turn it is to commit: one online device of the group, asked for 5 s, then the next.

Without it 25 people who join together are a storm of lost races: each needs to be added, and each renews its
keys before its first word. Somebody is asked where adds and removes are pending; the nominee reads
``pending`` itself, so that one commit takes in all that gathered. A device that waits to renew its keys asks
for its turn, and gets it in its order, those first whose person waits to speak.

A nomination is a wish, no right: a commit counts by its epoch, whoever made it. ``choose`` is pure;
``nominate`` writes ``Room.nominee`` under the room's lock, so that several processes agree.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction

from peerchat.clock import now, now_ms, to_ms
from peerchat.logging import event
from peerchat.protocol import limits
from rooms import access
from rooms.models import GroupLeaf, LeafState
from rooms.readers import Readers

NOMINATION = timedelta(milliseconds=limits.COMMIT_NOMINATION_MS)
PACE_MS = 1_000
"""Between two nominations in one room: a lone newcomer is let in at once, a crowd with one commit a second."""
_KEPT = 2 * limits.ROOM_MEMBERS_MAX
"""How many nominations of one epoch are remembered."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An online device whose leaf is in the group. ``speaking``: its person has the room open and takes part.
    ``settled``: it has renewed its keys once, so it has taken its Welcome in; one that has not can do nothing yet.
    """

    device_id: UUID
    speaking: bool
    settled: bool = True


@dataclass(frozen=True, slots=True)
class Wish:
    """A device waits for its turn; forgotten at ``until`` (UTC ms) unless it says so again."""

    device_id: UUID
    urgent: bool
    until: int


@dataclass(frozen=True, slots=True)
class Nomination:
    """``device_id`` is asked until ``until`` (UTC ms) to take the group on from ``epoch``."""

    room_id: UUID
    device_id: UUID
    epoch: int
    until: int


def choose(candidates: Iterable[Candidate], *, tried: Sequence[UUID]) -> UUID | None:
    """Return whom to ask: who was not asked yet before who was, of those the longest ago; settled before not;
    speaking before listening.
    """
    order = {device_id: position for position, device_id in enumerate(tried)}
    best = min(
        candidates,
        key=lambda one: (
            order.get(one.device_id, -1),
            not one.settled,
            not one.speaking,
            one.device_id.bytes,
        ),
        default=None,
    )
    return best.device_id if best else None


def rooms_with_pending(room_ids: Iterable[UUID]) -> set[UUID]:
    """Return those of ``room_ids`` that wait for a commit. Takes no lock."""
    return set(
        GroupLeaf.objects.filter(
            room_id__in=list(room_ids), state__in=[LeafState.PENDING_ADD, LeafState.PENDING_REMOVE]
        )
        .values_list("room_id", flat=True)
        .distinct()
    )


def nominate(
    *,
    room_id: UUID,
    online: Mapping[UUID, bool],
    asked: Sequence[Nomination],
    wishing: Sequence[UUID] | None = None,
) -> Nomination | None:
    """Nominate one of ``online`` (device: whether it speaks) and return it; ``None`` when there is nothing to
    do, or nobody. With ``wishing``, the first of these that is online, whatever is pending.

    ``asked`` are this process's nominations so far, oldest first. One that still runs, for the epoch that the
    group is in and a device that is still here, is returned again; one of another process is left to run.
    Locks the room.
    """
    with transaction.atomic():
        room = access.lock_rooms([room_id]).get(room_id)
        if room is None or (wishing is None and not rooms_with_pending([room_id])):
            return None
        moment = now()
        last = asked[-1] if asked else None
        if room.nominee_id is not None and room.nominee_until is not None and moment < room.nominee_until:
            if last is None or last.device_id != room.nominee_id:
                return None
            if last.epoch == room.epoch and last.device_id in online:
                return last
        in_group = dict(
            GroupLeaf.objects.filter(
                room_id=room_id,
                device_id__in=list(online),
                state=LeafState.IN_GROUP,
                device__revoked_at__isnull=True,
            ).values_list("device_id", "first_path_due")
        )
        if wishing is None:
            tried = [nomination.device_id for nomination in asked if nomination.epoch == room.epoch]
            chosen = choose(
                (
                    Candidate(device_id, online[device_id], settled=not first_path_due)
                    for device_id, first_path_due in in_group.items()
                ),
                tried=tried,
            )
        else:
            chosen = next((device_id for device_id in wishing if device_id in in_group), None)
        if chosen is None:
            return None
        room.nominee_id, room.nominee_until = chosen, moment + NOMINATION
        room.save(update_fields=["nominee", "nominee_until"])
        return Nomination(
            room_id=room_id, device_id=chosen, epoch=room.epoch, until=to_ms(room.nominee_until)
        )


class Nominator:
    """This process's nominations; belongs to the event loop.

    ``online`` says which devices have the room's socket here and whether each speaks; ``tell`` asks one.
    """

    def __init__(
        self,
        *,
        readers: Readers,
        online: Callable[[UUID], Mapping[UUID, bool]],
        tell: Callable[[Nomination], None],
    ) -> None:
        self._readers = readers
        self._online = online
        self._tell = tell
        # Kept when nothing is pending any more: the row still names the last one, and it was ours.
        self._asked: dict[UUID, list[Nomination]] = {}
        self._pending: set[UUID] = set()
        self._paced: set[UUID] = set()
        self._paced_until: dict[UUID, int] = {}
        # In the order of their first asking.
        self._wishes: dict[UUID, dict[UUID, Wish]] = {}
        self._look_at: set[UUID] = set()
        self._task: asyncio.Task[None] | None = None

    def look_at(self, room_ids: Iterable[UUID]) -> None:
        """Look soon whether these rooms wait for a commit."""
        self._look_at |= set(room_ids)
        if self._look_at and (self._task is None or self._task.done()):
            self._task = asyncio.ensure_future(self._look())

    def wish(self, *, room_id: UUID, device_id: UUID, urgent: bool) -> int:
        """Note that a device waits for its turn; return until when (UTC ms) it is remembered."""
        until = now_ms() + 2 * limits.TURN_RENEW_MS
        self._wishes.setdefault(room_id, {})[device_id] = Wish(device_id, urgent, until)
        self.look_at([room_id])
        return until

    def tick(self) -> None:
        """Go on to the next device where one did not do it in its time, or has gone. Call once a second."""
        paced, self._paced = self._paced, set()
        waiting = self._pending | self._wishes.keys()
        self.look_at(paced | {room_id for room_id in waiting if not self._is_asked(room_id)})

    def _is_asked(self, room_id: UUID) -> bool:
        asked = self._asked.get(room_id, [])
        return len(asked) > 0 and asked[-1].until > now_ms() and asked[-1].device_id in self._online(room_id)

    async def stop(self) -> None:
        """Nominate nobody any more."""
        self._look_at.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self) -> None:
        while self._look_at:
            room_ids, self._look_at = self._look_at, set()
            try:
                pending = await self._readers.run(rooms_with_pending, room_ids)
                self._pending = (self._pending - room_ids) | pending
                for room_id in sorted(pending | (room_ids & self._wishes.keys())):
                    await self._ask(room_id)
            except Exception as error:
                # The next tick or poll looks again.
                event("nominations.failed", error=error)

    async def _ask(self, room_id: UUID) -> None:
        online = self._online(room_id)
        if not online:
            return
        is_pending = room_id in self._pending
        wishing: list[UUID] | None = None
        if not is_pending or now_ms() < self._paced_until.get(room_id, 0):
            if is_pending:
                self._paced.add(room_id)
            wishing = self._wishing(room_id, urgent_only=is_pending)
            if not wishing:
                return
        asked = self._asked.get(room_id, [])
        nomination = await self._readers.run(
            nominate, room_id=room_id, online=online, asked=tuple(asked), wishing=wishing
        )
        if nomination is None or (asked and nomination == asked[-1]):
            return
        self._asked[room_id] = [*(one for one in asked if one.epoch == nomination.epoch), nomination][-_KEPT:]
        if wishing is None:
            self._paced_until[room_id] = now_ms() + PACE_MS
        # Who is asked and does not do it says so again.
        self._wishes.get(room_id, {}).pop(nomination.device_id, None)
        self._tell(nomination)

    def _wishing(self, room_id: UUID, *, urgent_only: bool) -> list[UUID]:
        """Return who waits for a turn, the urgent first, each in the order of asking; forget the others."""
        moment = now_ms()
        wishes = {one.device_id: one for one in self._wishes.pop(room_id, {}).values() if moment < one.until}
        if wishes:
            self._wishes[room_id] = wishes
        ordered = sorted(wishes.values(), key=lambda one: not one.urgent)
        return [one.device_id for one in ordered if one.urgent or not urgent_only]
