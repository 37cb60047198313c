"""Fan-out in one process: which socket gets what, each frame encoded once for everybody.

The database is the truth and a push only a hint that carries its content. The hub keeps, for each room with a
socket here, ``through``: up to which seq it has pushed. New messages come from this process's writer; all
else is a hint (from a commit here or in another process, or from the poll) after which the hub reads the rows
once for all its sockets. Pushes of a room go out in the order of ``seq``, and a client that finds a hole
pulls.

It belongs to the event loop; only ``hear`` is called from other threads. It decides nothing about access: who
may see a room is asked of the database when a socket joins, when a device changed, and every few seconds for
all.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from itertools import groupby
from typing import Any
from uuid import UUID

from peerchat.clock import now_ms
from peerchat.errors import CloseCode, ErrorCode, PeerChatError
from peerchat.logging import event
from peerchat.protocol import limits
from peerchat.protocol.server_frames import Item, Items, MessageItem, Notice, Ready, RoomMark
from rooms import hub_reads
from rooms.fastwrite import Frame, encode_once
from rooms.hints import NOTHING, Hint
from rooms.outlets import Outlet
from rooms.readers import Readers
from rooms.writer import Committed

SOCKETS_OF_ACCOUNT_MAX = 10
"""Devices of one account that are here at once; a device has one socket."""
ITEM_OVERHEAD_BYTES = 160
"""Names, ids and numbers around the ciphertext or entry of an item, with room to spare."""


class Topic:
    """A room that has sockets here. ``wanted``: the newest seq that somebody spoke of."""

    __slots__ = ("catching_up", "floor", "outlets", "room_id", "through", "wanted")

    def __init__(self, room_id: UUID, *, through: int, floor: int) -> None:
        self.room_id = room_id
        self.through = through
        self.wanted = through
        self.floor = floor
        self.outlets: set[Outlet] = set()
        self.catching_up = False


class Hub:
    """``relay`` is told what the other processes should hear; ``ended`` which device may not see which room
    any more.
    """

    def __init__(
        self,
        *,
        readers: Readers,
        relay: Callable[[Hint], None],
        ended: Callable[[UUID, UUID], None],
        changed: Callable[[Iterable[UUID]], None],
        clock: Callable[[], float],
    ) -> None:
        self._readers = readers
        self._relay = relay
        self._ended = ended
        self._changed = changed
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._topics: dict[UUID, Topic] = {}
        self._outlets: dict[UUID, Outlet] = {}
        self._accounts: Counter[UUID] = Counter()
        self._refreshing: dict[UUID, bool] = {}
        self._endings = 0
        self._lock = threading.Lock()
        self._heard = NOTHING
        self._tasks: set[asyncio.Task[None]] = set()

    # --- sockets -------------------------------------------------------------------------------------

    async def join(self, outlet: Outlet) -> Ready:
        """Take in a socket, in place of the device's older one, and return its first frame; raise
        ``request.rate_limited`` when too many of the account's devices are here.
        """
        older = self._outlets.get(outlet.device_id)
        if older is not None:
            older.close(CloseCode.REPLACED)
            self.leave(older)
        if self._accounts[outlet.account_id] >= SOCKETS_OF_ACCOUNT_MAX:
            raise PeerChatError(
                ErrorCode.RATE_LIMITED,
                "Too many devices of this account are here.",
                http_status=429,
                close_code=CloseCode.RATE_LIMITED,
            )
        self._outlets[outlet.device_id] = outlet
        self._accounts[outlet.account_id] += 1
        # Again, now that an end of the session would be heard.
        await self._check_sessions([outlet])
        view = await self._view(outlet)
        self._subscribe(outlet, view.rooms)
        outlet.device_seq = view.device_seq
        return Ready(
            type="ready",
            now=now_ms(),
            device_seq=view.device_seq,
            # What was pushed between the read and now went out without this socket.
            rooms=[self._newest(mark) for mark in view.rooms],
        )

    def leave(self, outlet: Outlet) -> None:
        """Forget a socket that is closed or closing."""
        if self._outlets.get(outlet.device_id) is outlet:
            del self._outlets[outlet.device_id]
            self._accounts[outlet.account_id] -= 1
            if not self._accounts[outlet.account_id]:
                del self._accounts[outlet.account_id]
        for room_id in tuple(outlet.rooms):
            self._unsubscribe(outlet, room_id)

    def outlets(self) -> list[Outlet]:
        """Return every socket of this process."""
        return list(self._outlets.values())

    def devices_in(self, room_id: UUID) -> list[UUID]:
        """Return the devices that have a socket here and see the room."""
        topic = self._topics.get(room_id)
        return [outlet.device_id for outlet in topic.outlets] if topic else []

    def rooms(self) -> list[UUID]:
        """Return the rooms that have a socket here."""
        return list(self._topics)

    def tell_room(self, room_id: UUID, frame: Frame) -> None:
        """Write an answer-like frame (presence, a notice) to everyone who sees the room."""
        topic = self._topics.get(room_id)
        for outlet in tuple(topic.outlets) if topic else ():
            outlet.write(frame)

    def tell_device(self, device_id: UUID, frame: Frame) -> None:
        """Write an answer-like frame to a device, if it is here."""
        outlet = self._outlets.get(device_id)
        if outlet is not None:
            outlet.write(frame)

    # --- what happened ---------------------------------------------------------------------------------

    def hear(self, hint: Hint) -> None:
        """Take a hint of this process, from any thread; hints that come close together are handled as one."""
        with self._lock:
            first = not self._heard
            self._heard = self._heard | hint
        if first:
            try:
                self._loop.call_soon_threadsafe(self._take_heard)
            except RuntimeError:
                # The loop is gone: nobody is left to tell.
                return

    def _take_heard(self) -> None:
        with self._lock:
            hint, self._heard = self._heard, NOTHING
        self.apply(hint)
        self._relay(hint)

    def committed(self, committed: Committed) -> None:
        """Push what the writer stored, and tell the other processes, in one hint."""
        hint = committed.hint
        fresh = [(send, posted) for send, posted in committed.stored if posted.fresh]
        fresh.sort(key=lambda pair: (pair[0].room_id, pair[1].seq))
        for room_id, pairs in groupby(fresh, key=lambda pair: pair[0].room_id):
            items = [
                MessageItem(
                    kind="message",
                    seq=posted.seq,
                    message_id=send.message_id.bytes,
                    epoch=send.epoch,
                    at=posted.at,
                    expires_at=posted.expires_at,
                    ciphertext=send.ciphertext,
                )
                for send, posted in pairs
            ]
            hint = hint | Hint(rooms={room_id: items[-1].seq})
            topic = self._topics.get(room_id)
            if topic is not None:
                self._offer(topic, items)
        if hint:
            self.apply(hint)
            self._relay(hint)

    def apply(self, hint: Hint) -> None:
        """Act on a hint from here or from another process. Ended access comes first."""
        for device_id, room_id in hint.ended:
            self._end_access(device_id, room_id)
        if hint.sessions:
            self._spawn(self._check_sessions([o for d in hint.sessions if (o := self._outlets.get(d))]))
        for room_id, seq in hint.rooms.items():
            self._want(room_id, seq)
        for device_id in hint.devices:
            self._refresh(device_id)
        for room_id in hint.refetch:
            self.tell_room(room_id, _refetch(room_id))
        if hint.everyone:
            frame = _refetch(None)
            for outlet in self.outlets():
                outlet.write(frame)
        # Not every room that grew: a message leaves nothing for a commit to do, and looking costs a read each time.
        if hint.refetch:
            self._changed(hint.refetch)

    # --- time ------------------------------------------------------------------------------------------

    def close_stuck(self) -> None:
        """Close the sockets whose readers do not keep up."""
        now = self._clock()
        for outlet in self.outlets():
            outlet.close_if_stuck(now=now)

    async def poll(self) -> None:
        """Find what no hint told of, in every room and for every device that has a socket here."""
        rooms = await self._readers.run(hub_reads.rooms_as_they_are, list(self._topics))
        for room_id, room in rooms.items():
            topic = self._topics.get(room_id)
            if topic is not None:
                topic.floor = max(topic.floor, room.floor)
                self._want(room_id, room.last_seq)
        newest = await self._readers.run(hub_reads.newest_events, list(self._outlets))
        for device_id, seq in newest.items():
            outlet = self._outlets.get(device_id)
            if outlet is not None and seq > outlet.device_seq:
                self._refresh(device_id)

    async def recheck(self) -> None:
        """Close sockets whose session ended, and end access that ended, whether or not a hint told of it."""
        await self._check_sessions(self.outlets())
        members = await self._readers.run(hub_reads.members_of, list(self._topics))
        for topic in tuple(self._topics.values()):
            for outlet in tuple(topic.outlets):
                if topic.room_id in members and outlet.account_id not in members[topic.room_id]:
                    # Asked again for this one: it may have come after the read.
                    self._refresh(outlet.device_id)

    async def stop(self) -> None:
        """Stop what is still reading."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- subscriptions -----------------------------------------------------------------------------------

    async def _view(self, outlet: Outlet) -> hub_reads.DeviceView:
        """Return what the device may see; read again when somebody's access ended meanwhile."""
        while True:
            endings = self._endings
            view = await self._readers.run(hub_reads.device_view, outlet.device_id)
            if endings == self._endings:
                return view

    def _subscribe(self, outlet: Outlet, marks: list[RoomMark]) -> None:
        if outlet.closed.done() or self._outlets.get(outlet.device_id) is not outlet:
            return
        rooms = {UUID(bytes=mark.room_id): mark for mark in marks}
        for room_id in outlet.rooms - rooms.keys():
            self._unsubscribe(outlet, room_id)
            self._ended(outlet.device_id, room_id)
        new = rooms.keys() - outlet.rooms
        for room_id, mark in rooms.items():
            topic = self._topics.get(room_id)
            if topic is None:
                topic = self._topics[room_id] = Topic(room_id, through=mark.last_seq, floor=mark.floor)
            topic.outlets.add(outlet)
            outlet.rooms.add(room_id)
            self._want(room_id, mark.last_seq)
        if new:
            self._changed(new)

    def _unsubscribe(self, outlet: Outlet, room_id: UUID) -> None:
        outlet.forget_room(room_id)
        topic = self._topics.get(room_id)
        if topic is not None:
            topic.outlets.discard(outlet)
            if not topic.outlets:
                del self._topics[room_id]

    def _newest(self, mark: RoomMark) -> RoomMark:
        topic = self._topics.get(UUID(bytes=mark.room_id))
        if topic is None or topic.through <= mark.last_seq:
            return mark
        return mark.model_copy(update={"last_seq": topic.through})

    def _end_access(self, device_id: UUID, room_id: UUID) -> None:
        self._endings += 1
        outlet = self._outlets.get(device_id)
        if outlet is not None:
            self._unsubscribe(outlet, room_id)
        self._ended(device_id, room_id)

    async def _check_sessions(self, outlets: list[Outlet]) -> None:
        if not outlets:
            return
        live = await self._readers.run(hub_reads.live_sessions, [outlet.token_hash for outlet in outlets])
        for outlet in outlets:
            if outlet.token_hash not in live:
                outlet.close(CloseCode.SIGNED_OUT)

    # --- rooms -------------------------------------------------------------------------------------------

    def _want(self, room_id: UUID, seq: int) -> None:
        topic = self._topics.get(room_id)
        if topic is None or seq <= topic.through:
            return
        topic.wanted = max(topic.wanted, seq)
        if not topic.catching_up:
            topic.catching_up = True
            self._spawn(self._catch_up(topic))

    async def _catch_up(self, topic: Topic) -> None:
        try:
            while topic.wanted > topic.through and topic.outlets:
                after = topic.through
                items = await self._readers.run(hub_reads.room_items, topic.room_id, after)
                if items is None or items.through <= after:
                    # Hinted, yet not there: the poll will say if it ever comes.
                    topic.wanted = topic.through
                    return
                topic.floor = max(topic.floor, items.floor)
                self._push(topic, list(items.items), through=items.through)
        finally:
            topic.catching_up = False

    def _offer(self, topic: Topic, items: list[MessageItem]) -> None:
        """Push the writer's items if they follow what was pushed, else read them with what came between."""
        through = items[-1].seq
        if items[0].seq == topic.through + 1 and through - topic.through == len(items):
            self._push(topic, list(items), through=through)
        else:
            self._want(topic.room_id, through)

    def _push(self, topic: Topic, items: list[Item], *, through: int) -> None:
        """Push the items after ``topic.through`` up to ``through`` to everyone, each frame encoded once."""
        if through <= topic.through:
            return
        chunks = _chunks([item for item in items if item.seq > topic.through])
        for position, chunk in enumerate(chunks):
            last = position == len(chunks) - 1
            frame = encode_once(
                Items(
                    type="items",
                    room_id=topic.room_id.bytes,
                    after=topic.through,
                    through=through if last else chunk[-1].seq,
                    floor=topic.floor,
                    pushed=True,
                    items=chunk,
                )
            )
            topic.through = through if last else chunk[-1].seq
            for outlet in tuple(topic.outlets):
                outlet.push(frame, room_id=topic.room_id)

    # --- devices -----------------------------------------------------------------------------------------

    def _refresh(self, device_id: UUID) -> None:
        """Read again what a device here may see and what it should know; once more if asked meanwhile."""
        if device_id not in self._outlets:
            return
        if device_id in self._refreshing:
            self._refreshing[device_id] = True
            return
        self._refreshing[device_id] = False
        self._spawn(self._refresh_device(device_id))

    async def _refresh_device(self, device_id: UUID) -> None:
        try:
            while (outlet := self._outlets.get(device_id)) is not None:
                self._refreshing[device_id] = False
                view = await self._view(outlet)
                self._subscribe(outlet, view.rooms)
                if not await self._push_events(outlet):
                    # Other rooms than before, and no event that says so: a room that an invite named was opened.
                    outlet.write(_refetch(None))
                if not self._refreshing[device_id]:
                    return
        finally:
            self._refreshing.pop(device_id, None)

    async def _push_events(self, outlet: Outlet) -> bool:
        """Push what the device was not told yet; return whether there was anything."""
        pushed = False
        while True:
            after = outlet.device_seq
            events = await self._readers.run(hub_reads.device_items, outlet.device_id, after)
            if events.through <= after or outlet.device_seq != after:
                return pushed
            pushed = True
            outlet.device_seq = events.through
            outlet.push(encode_once(events.model_copy(update={"pushed": True})), room_id=None)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(_guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _guarded(work: Coroutine[Any, Any, None]) -> None:
    """A failed read loses a hint, and the poll finds what it was about."""
    try:
        await work
    except Exception as error:
        event("hub.read_failed", error=error)


def _chunks(items: list[Item]) -> list[list[Item]]:
    """Split ``items`` so that each part fits a frame; one empty part for none (all of them erased)."""
    chunks: list[list[Item]] = [[]]
    size = 0
    for item in items:
        item_size = _size(item) + ITEM_OVERHEAD_BYTES
        if chunks[-1] and size + item_size > limits.PULL_MAX_BYTES:
            chunks.append([])
            size = 0
        chunks[-1].append(item)
        size += item_size
    return chunks


def _size(item: Item) -> int:
    match item.kind:
        case "message":
            return len(item.ciphertext)
        case "commit":
            return len(item.commit)
        case "entry":
            return len(item.entry.entry) + len(item.entry.body or b"") + len(item.entry.signature)


def _refetch(room_id: UUID | None) -> Frame:
    return encode_once(
        Notice(type="notice", notice="refetch", room_id=room_id.bytes if room_id else None, until=None)
    )
