"""A device's live side: one socket kept alive, messages sent until they are stored, rooms followed without a
gap.

A message is sent again under its id after every break, so it is stored once. A room's items come in the order
of ``seq``, each once; what a push left out is pulled. It holds nothing on disk: give ``follow`` the last
``seq`` that you stored.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from peerchat.client import crypto
from peerchat.client.client import Client
from peerchat.client.http import Unreachable
from peerchat.client.socket import Socket, SocketClosed
from peerchat.errors import CloseCode, ErrorCode, PeerChatError
from peerchat.protocol import client_frames as ask
from peerchat.protocol import limits
from peerchat.protocol.server_frames import (
    Ack,
    DeviceItem,
    DeviceItems,
    Item,
    Items,
    Notice,
    PresenceUpdate,
    Ready,
    Refused,
    ServerFrame,
)

RETRY_FIRST_SECONDS = 0.2
RETRY_MAX_SECONDS = 15.0
BUSY_SECONDS = 0.5
CREDIT_EVERY = 16
_TRY_AGAIN = frozenset({ErrorCode.BUSY, ErrorCode.RATE_LIMITED, ErrorCode.DRAINING, ErrorCode.BROKEN})


class Replaced(Exception):
    """Another socket of the same device took this one's place; two would take turns for ever."""


@dataclass
class _Followed:
    """A room that is followed: ``have`` is the last seq handed out, ``wanted`` the newest known of. ``again``: what the
    pull under way answers may be older than what was left out since.
    """

    have: int
    wanted: int = 0
    pulling: bool = False
    again: bool = False
    items: asyncio.Queue[Item | Exception] = field(default_factory=asyncio.Queue)


@dataclass
class _Outgoing:
    frame: ask.Send
    stored: asyncio.Future[Ack]


class Live:
    """Use as ``async with Live(client) as live``. ``notices`` and ``presence`` are called for such frames."""

    def __init__(
        self,
        client: Client,
        *,
        device_seq: int = 0,
        notices: Callable[[Notice], None] | None = None,
        presence: Callable[[PresenceUpdate], None] | None = None,
    ) -> None:
        self._client = client
        self._notices = notices
        self._presence = presence
        self._rooms: dict[bytes, _Followed] = {}
        self._outgoing: dict[bytes, _Outgoing] = {}
        self._device_seq = device_seq
        self._device_wanted = 0
        self._device_items: asyncio.Queue[DeviceItem] = asyncio.Queue()
        self._socket: Socket | None = None
        self._taken = 0
        self._task: asyncio.Task[None] | None = None
        self._later: set[asyncio.Task[None]] = set()
        self._ended: Exception | None = None
        self.connected = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._stay_connected())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = [task for task in (self._task, *self._later) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._fail(SocketClosed(None))

    # --- for the caller ------------------------------------------------------------------------------------

    async def send(
        self, room_id: bytes, *, epoch: int, ciphertext: bytes, message_id: bytes | None = None
    ) -> Ack:
        """Send a message, through any number of breaks, until it is stored.

        Raises ``PeerChatError`` when it is refused for good; ``room.stale_epoch`` asks to encrypt it again
        for ``details["epoch"]`` and to send it under the same ``message_id``.
        """
        self._check_alive()
        frame = ask.Send(
            type="send",
            room_id=room_id,
            message_id=message_id or crypto.new_id(),
            epoch=epoch,
            ciphertext=ciphertext,
        )
        outgoing = _Outgoing(frame, asyncio.get_running_loop().create_future())
        self._outgoing[frame.message_id] = outgoing
        try:
            await self._try(frame)
            return await outgoing.stored
        finally:
            if self._outgoing.get(frame.message_id) is outgoing:
                del self._outgoing[frame.message_id]

    async def follow(self, room_id: bytes, *, after: int = 0) -> AsyncIterator[Item]:
        """Yield the room's items after ``after``: in order, each once, for as long as the room may be seen."""
        self._check_alive()
        followed = self._rooms[room_id] = _Followed(have=after)
        try:
            await self._pull(room_id)
            while True:
                item = await followed.items.get()
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            if self._rooms.get(room_id) is followed:
                del self._rooms[room_id]

    async def device_items(self) -> AsyncIterator[DeviceItem]:
        """Yield this device's own events. The server drops one once a later pull says that it was stored."""
        while True:
            yield await self._device_items.get()

    async def be_present(self, rooms: list[ask.RoomPresence]) -> None:
        """Say which rooms are open on the screen; repeat every 12 s."""
        await self._try(ask.Presence(type="presence", rooms=rooms))

    # --- the connection ------------------------------------------------------------------------------------

    async def _stay_connected(self) -> None:
        pause = RETRY_FIRST_SECONDS
        while True:
            code: int | None = None
            try:
                async with await Socket.open(self._client.http) as socket:
                    await self._begin(socket)
                    pause = RETRY_FIRST_SECONDS
                    while True:
                        await self._take(await socket.receive())
            except SocketClosed as error:
                code = error.code
            except Exception as error:
                # A fault of a callback or of ours: whoever waits must hear of it, and not wait for ever.
                self._fail(error)
                raise
            finally:
                self._socket = None
                self.connected.clear()
            if code == CloseCode.REPLACED:
                self._fail(Replaced())
                return
            if code == CloseCode.SIGNED_OUT and not await self._sign_in_again():
                return
            # Everyone who lost the same server must not come back in the same moment.
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311
            pause = min(2 * pause, RETRY_MAX_SECONDS)

    async def _sign_in_again(self) -> bool:
        try:
            await self._client.sign_in_again()
        except PeerChatError as error:
            if error.code is not ErrorCode.RATE_LIMITED:
                self._fail(error)
                return False
        except Unreachable:
            return True
        return True

    async def _begin(self, socket: Socket) -> None:
        ready: Ready = await socket.ready()
        self._socket = socket
        self._taken = 0
        self.connected.set()
        newest = {mark.room_id: mark.last_seq for mark in ready.rooms}
        # A copy: while we send, somebody may begin to follow another room.
        for room_id, followed in list(self._rooms.items()):
            followed.pulling = False
            followed.wanted = newest.get(room_id, followed.wanted)
            if followed.wanted > followed.have:
                await self._pull(room_id)
        self._device_wanted = ready.device_seq
        if self._device_wanted > self._device_seq:
            await self._pull_device()
        for outgoing in list(self._outgoing.values()):
            await self._try(outgoing.frame)

    async def _try(self, frame: ask.ClientFrame) -> None:
        """Send if there is a socket; what matters is sent again on the next one."""
        if self._socket is not None:
            with suppress(SocketClosed):
                await self._socket.send(frame)

    def _check_alive(self) -> None:
        if self._ended is not None:
            raise self._ended

    def _fail(self, error: Exception) -> None:
        self._ended = error
        for outgoing in self._outgoing.values():
            if not outgoing.stored.done():
                outgoing.stored.set_exception(error)
        for followed in self._rooms.values():
            followed.items.put_nowait(error)

    # --- frames --------------------------------------------------------------------------------------------

    async def _take(self, frame: ServerFrame) -> None:
        match frame:
            case Ack():
                outgoing = self._outgoing.get(frame.message_id)
                if outgoing is not None and not outgoing.stored.done():
                    outgoing.stored.set_result(frame)
            case Refused():
                self._refused(frame)
            case Items():
                await self._take_items(frame)
            case DeviceItems():
                await self._take_device_items(frame)
            case Notice():
                await self._notice(frame)
            case PresenceUpdate():
                if self._presence is not None:
                    self._presence(frame)

    def _refused(self, frame: Refused) -> None:
        error = PeerChatError(frame.code, "The server refused a frame.", details=frame.details)
        if frame.message_id is not None:
            outgoing = self._outgoing.get(frame.message_id)
            if outgoing is None or outgoing.stored.done():
                return
            if frame.code in _TRY_AGAIN:
                self._again_later(outgoing.frame, frame.details)
            else:
                outgoing.stored.set_exception(error)
        elif frame.room_id is not None and (followed := self._rooms.get(frame.room_id)) is not None:
            followed.pulling = False
            if frame.code in _TRY_AGAIN:
                pull = ask.Pull(
                    type="pull", room_id=frame.room_id, after=followed.have, limit=limits.PULL_MAX_ITEMS
                )
                self._again_later(pull, frame.details)
            else:
                followed.items.put_nowait(error)
        elif frame.room_id is None and frame.code in _TRY_AGAIN:
            # What names neither message nor room was a pull of the device's own events, or credit, which is told anew.
            self._again_later(ask.PullDevice(type="pull_device", after=self._device_seq), frame.details)

    def _again_later(self, frame: ask.ClientFrame, details: dict[str, int]) -> None:
        wait = max(BUSY_SECONDS, details.get("wait_ms", 0) / 1000)

        async def again() -> None:
            await asyncio.sleep(wait * random.uniform(1, 1.5))  # noqa: S311
            await self._try(frame)

        task = asyncio.create_task(again())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _take_items(self, frame: Items) -> None:
        followed = self._rooms.get(frame.room_id)
        if followed is not None:
            had = followed.have
            followed.wanted = max(followed.wanted, frame.through)
            if not frame.pushed:
                followed.pulling = False
            if frame.after <= followed.have:
                for item in frame.items:
                    if item.seq > followed.have:
                        followed.items.put_nowait(item)
                        followed.have = item.seq
                followed.have = max(followed.have, frame.through)
            # An answer does not say whether it tells all: only one that brings nothing is known to be the last.
            more = not frame.pushed and followed.have > had
            if more or followed.again or followed.wanted > followed.have:
                await self._pull(frame.room_id)
        if frame.pushed:
            await self._credit()

    async def _take_device_items(self, frame: DeviceItems) -> None:
        had = self._device_seq
        self._device_wanted = max(self._device_wanted, frame.through)
        if frame.after <= self._device_seq:
            for item in frame.items:
                if item.seq > self._device_seq:
                    self._device_items.put_nowait(item)
            self._device_seq = max(self._device_seq, frame.through)
        # A page that brought nothing will bring nothing the second time either.
        if self._device_wanted > self._device_seq and (frame.pushed or self._device_seq > had):
            await self._pull_device()
        if frame.pushed:
            await self._credit()

    async def _notice(self, frame: Notice) -> None:
        if frame.notice == "behind":
            if frame.room_id is None:
                await self._pull_device()
            else:
                await self._pull(frame.room_id)
        if self._notices is not None:
            self._notices(frame)

    async def _pull(self, room_id: bytes) -> None:
        """Ask for what follows; if the answer to an earlier pull is under way, then once more after it."""
        followed = self._rooms.get(room_id)
        if followed is None or self._socket is None:
            return
        if followed.pulling:
            followed.again = True
            return
        followed.pulling, followed.again = True, False
        await self._try(
            ask.Pull(type="pull", room_id=room_id, after=followed.have, limit=limits.PULL_MAX_ITEMS)
        )

    async def _pull_device(self) -> None:
        await self._try(ask.PullDevice(type="pull_device", after=self._device_seq))

    async def _credit(self) -> None:
        self._taken += 1
        if self._taken % CREDIT_EVERY == 0:
            await self._try(ask.Credit(type="credit", frames=self._taken))
