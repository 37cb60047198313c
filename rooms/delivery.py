"""The live side of one process, put together: writer, hub, relay, presence and nominations, with one clock
for all.

``peerchat.serve`` starts and drains it; the consumer finds it by ``running``. It holds no rules of its own.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack
from uuid import UUID

from peerchat.clock import now_ms
from peerchat.errors import CloseCode, ErrorCode, PeerChatError, not_found
from peerchat.logging import event
from peerchat.protocol import client_frames
from peerchat.protocol.server_frames import Notice, PresenceUpdate, Ready
from rooms import announce
from rooms.fastwrite import encode_once
from rooms.hints import Here, Hint
from rooms.hub import Hub
from rooms.nominations import Nomination, Nominator
from rooms.outlets import Outlet
from rooms.presence import Mode, Presence, is_mode
from rooms.readers import Readers
from rooms.relay import Layer, Relay
from rooms.writer import Writer

TICK_SECONDS = 1.0
POLL_TICKS = 5
RECHECK_TICKS = 8
"""No socket outlives its session by more than 10 s; a tick takes a little longer than a second."""
JITTER_SECONDS = 1.0
"""Over how long the closes of a drain are spread, so that not everyone comes back in the same moment."""


class Delivery:
    """Made inside the running event loop; ``start`` before the first socket."""

    def __init__(
        self, *, layer: Layer, alone: bool = False, clock: Callable[[], float] | None = None
    ) -> None:
        """``alone``: there is no other process to tell, so nothing is sent through the layer."""
        self._alone = alone
        self.clock = clock or asyncio.get_running_loop().time
        self.draining = False
        self.readers = Readers()
        self.presence = Presence()
        self.hub = Hub(
            readers=self.readers,
            relay=self._tell_others,
            ended=self._access_ended,
            changed=self._rooms_changed,
            clock=self.clock,
        )
        self.writer = Writer(committed=self.hub.committed)
        self._relay = Relay(layer, heard=self._heard)
        self._nominator = Nominator(readers=self.readers, online=self._online, tell=self._ask)
        self._presence_changed: set[UUID] = set()
        self._presence_said: dict[UUID, Here] = {}
        self._beat: asyncio.Task[None] | None = None
        self._announcements = ExitStack()

    # --- life ------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start everything, and return once this process hears hints."""
        global _running
        await self._relay.start()
        self.writer.start()
        self._announcements.enter_context(announce.heard_by(self.hub.hear))
        self._beat = asyncio.create_task(self._keep_beating())
        _running = self

    async def drain(self) -> None:
        """Refuse what is new, store and answer what was taken, then send every socket away.

        The caller sets the deadline; ``stop`` must follow in any case.
        """
        self.draining = True
        self.writer.refuse_new()
        # Clients come back after that moment, each at its own time: nobody waits for a server that is gone.
        until = now_ms() + round(JITTER_SECONDS * 1000)
        notice = encode_once(Notice(type="notice", notice="draining", room_id=None, until=until))
        for outlet in self.hub.outlets():
            outlet.write(notice)
        await self.writer.finish()
        loop = asyncio.get_running_loop()
        for outlet in self.hub.outlets():
            loop.call_later(random.uniform(0, JITTER_SECONDS), outlet.close, CloseCode.DRAINING)  # noqa: S311
        while outlets := self.hub.outlets():
            await asyncio.wait([outlet.closed for outlet in outlets])
            await asyncio.sleep(0.02)

    async def stop(self, *, timeout_seconds: float) -> None:
        """End everything that ``start`` began, within about ``timeout_seconds``."""
        global _running
        if _running is self:
            _running = None
        self.draining = True
        self._announcements.close()
        for outlet in self.hub.outlets():
            outlet.close(CloseCode.DRAINING)
        for work in (
            self._end_beat(),
            self.writer.stop(timeout_seconds=timeout_seconds),
            self._nominator.stop(),
            self._relay.stop(),
            self.hub.stop(),
            self.readers.stop(),
        ):
            await _within(work, seconds=timeout_seconds)

    # --- for the consumer --------------------------------------------------------------------------------

    async def join(self, outlet: Outlet) -> Ready:
        """Let a socket in; see ``Hub.join``."""
        return await self.hub.join(outlet)

    def renew_presence(self, outlet: Outlet, frame: client_frames.Presence) -> None:
        """Renew the leases; raise ``request.not_found`` when a room is not one that the socket sees, and
        change nothing.
        """
        rooms: dict[UUID, Mode] = {UUID(bytes=one.room_id): one.mode for one in frame.rooms}
        if not rooms.keys() <= outlet.rooms:
            raise not_found()
        self._presence_changed |= self.presence.renew(
            device_id=outlet.device_id, account_id=outlet.account_id, rooms=rooms, now=self.clock()
        )
        self._presence_said[outlet.device_id] = Here(
            now_ms(), outlet.account_id, tuple(sorted(rooms.items()))
        )
        for room_id in rooms:
            outlet.write(encode_once(self._present(room_id)))

    def wish_for_turn(self, outlet: Outlet, frame: client_frames.Turn) -> None:
        """Note that the device waits for its turn to commit; raise ``request.not_found`` for a room that the socket
        does not see.
        """
        room_id = UUID(bytes=frame.room_id)
        if room_id not in outlet.rooms:
            raise not_found()
        until = self._nominator.wish(room_id=room_id, device_id=outlet.device_id, urgent=frame.urgent)
        notice = Notice(type="notice", notice="turn_queued", room_id=frame.room_id, until=until)
        outlet.write(encode_once(notice))

    def refuse_if_draining(self) -> None:
        """Raise ``server.draining`` while this process is going away."""
        if self.draining:
            raise PeerChatError(
                ErrorCode.DRAINING,
                "This server is going away.",
                http_status=503,
                close_code=CloseCode.DRAINING,
            )

    # --- the beat ----------------------------------------------------------------------------------------

    async def tick(self, count: int) -> None:
        """Do what is due at the ``count``-th tick."""
        self.hub.close_stuck()
        self._presence_changed |= self.presence.expire(now=self.clock())
        changed, self._presence_changed = self._presence_changed, set()
        for room_id in changed:
            self.hub.tell_room(room_id, encode_once(self._present(room_id)))
        said, self._presence_said = self._presence_said, {}
        if said:
            self._tell_others(Hint(present=said))
        self._nominator.tick()
        if count % POLL_TICKS == 0:
            self._nominator.look_at(self.hub.rooms())
            await self.hub.poll()
        if count % RECHECK_TICKS == 0:
            await self.hub.recheck()

    async def _keep_beating(self) -> None:
        count = 0
        while True:
            await asyncio.sleep(TICK_SECONDS)
            count += 1
            try:
                await self.tick(count)
            except Exception as error:
                # The database may be away for a while; the next beat tries again.
                event("delivery.tick_failed", error=error)

    async def _end_beat(self) -> None:
        if self._beat is not None:
            self._beat.cancel()
            await asyncio.gather(self._beat, return_exceptions=True)

    # --- between the parts ---------------------------------------------------------------------------------

    def _tell_others(self, hint: Hint) -> None:
        if not self._alone:
            self._relay.tell(hint)

    def _heard(self, hint: Hint) -> None:
        """Take in what another process told. A lease of presence runs here as it does there, and ends by itself."""
        here = {outlet.device_id for outlet in self.hub.outlets()} if hint.present else set()
        for device_id, said in hint.present.items():
            # What a device said before it came here is old.
            if device_id not in here:
                rooms = {room_id: mode for room_id, mode in said.rooms if is_mode(mode)}
                self._presence_changed |= self.presence.renew(
                    device_id=device_id, account_id=said.account_id, rooms=rooms, now=self.clock()
                )
        self.hub.apply(hint)

    def _access_ended(self, device_id: UUID, room_id: UUID) -> None:
        self._presence_said.pop(device_id, None)
        self._presence_changed |= self.presence.end(device_id=device_id, room_id=room_id)

    def _rooms_changed(self, room_ids: Iterable[UUID]) -> None:
        self._nominator.look_at(room_ids)

    def _present(self, room_id: UUID) -> PresenceUpdate:
        return PresenceUpdate(type="presence", room_id=room_id.bytes, present=self.presence.present(room_id))

    def _online(self, room_id: UUID) -> dict[UUID, bool]:
        return {
            device_id: self.presence.is_speaking(device_id=device_id, room_id=room_id)
            for device_id in self.hub.devices_in(room_id)
        }

    def _ask(self, nomination: Nomination) -> None:
        notice = Notice(
            type="notice",
            notice="commit_wanted",
            room_id=nomination.room_id.bytes,
            until=nomination.until,
        )
        self.hub.tell_device(nomination.device_id, encode_once(notice))


async def _within(work: Awaitable[None], *, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await work
    except Exception as error:
        # Whatever one part does on its way out, the others must end too.
        event("delivery.stop_incomplete", error=error)


_running: Delivery | None = None


def running() -> Delivery | None:
    """Return this process's live side; ``None`` before its start and after its end."""
    return _running
