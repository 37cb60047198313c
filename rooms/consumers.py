"""The WebSocket of one device: the only async class that speaks to clients.

It has its own loop instead of Channels' dispatch (which makes a thread hop for every event), and it always
reads: the server's inbound queue has no bound, so frames are taken out of it at once and the socket closes
when too many wait here. Messages go to the writer, pulls are answered one at a time by a task of their own,
everything else is done on the spot.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID

from channels.consumer import AsyncConsumer
from django.http.cookie import parse_cookie

from peerchat.accounts.models import Device, DeviceSession
from peerchat.accounts.sessions import session_of, token_in
from peerchat.errors import CloseCode, ErrorCode, PeerChatError
from peerchat.logging import event
from peerchat.protocol.client_frames import (
    SUBPROTOCOL,
    ClientFrame,
    Credit,
    Presence,
    Pull,
    PullDevice,
    Send,
    Turn,
)
from peerchat.protocol.codec import decode_client_frame
from peerchat.protocol.server_frames import Ack, DeviceItems, Items, Refused
from peerchat.token_bucket import TokenBucket
from rooms import access, device_events, messages
from rooms.delivery import Delivery, running
from rooms.fastwrite import encode_once, fast_path
from rooms.messages import PendingSend
from rooms.outlets import Outlet
from rooms.writer import Outcome

Receive = Callable[[], Awaitable[dict[str, Any]]]

FRAMES_BURST = 120
FRAMES_PER_SECOND = 20
"""A phone that comes back sends its whole outbox; a person never writes that fast for long."""
REFUSALS_MAX = 200
"""Frames over the limit before the socket closes."""
PULLS_WAITING_MAX = 32
SENDS_WAITING_MAX = 128


class DeviceConsumer(AsyncConsumer):
    """One socket, from the handshake to its end."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one WebSocket connection (ASGI)."""
        self._send = send
        message = await receive()
        if message["type"] != "websocket.connect":
            return
        offered = SUBPROTOCOL in scope.get("subprotocols", [])
        # Accepted first: before that, servers can say no only with an HTTP status, which no browser shows to a script.
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if offered else None})
        try:
            if not offered:
                raise _broken_protocol()
            delivery, session = await self._admit(scope)
        except PeerChatError as refusal:
            await self._close(refusal.close_code or CloseCode.BROKEN)
            return
        except Exception as error:
            event("socket.admit_failed", error=error)
            await self._close(CloseCode.BROKEN)
            return
        self._delivery = delivery
        # Without its session and account, whose backup alone is as large as all else that a socket keeps.
        self._device = Device(id=session.device_id, account_id=session.device.account_id)
        self._outlet = Outlet(
            device_id=session.device_id,
            account_id=session.device.account_id,
            token_hash=bytes(session.token_hash),
            send=send,
            fast=fast_path(scope),
            clock=delivery.clock,
        )
        self._bucket = TokenBucket(burst=FRAMES_BURST, per_second=FRAMES_PER_SECOND, now=delivery.clock())
        self._refusals = 0
        self._sends_waiting = 0
        self._pulls: asyncio.Queue[Pull | PullDevice] = asyncio.Queue(PULLS_WAITING_MAX)
        await self._serve(receive)

    async def _admit(self, scope: Mapping[str, Any]) -> tuple[Delivery, DeviceSession]:
        """Return the live side and the socket's session; raise what the socket is closed for."""
        delivery = running()
        if delivery is None:
            raise PeerChatError(
                ErrorCode.DRAINING, "Not serving.", http_status=503, close_code=CloseCode.DRAINING
            )
        delivery.refuse_if_draining()
        cookies = b"; ".join(value for name, value in scope["headers"] if name == b"cookie").decode("latin-1")
        token = token_in(parse_cookie(cookies))
        session = await delivery.readers.run(session_of, token) if token else None
        if session is None:
            raise PeerChatError(
                ErrorCode.SIGNED_OUT, "Sign in first.", http_status=401, close_code=CloseCode.SIGNED_OUT
            )
        return delivery, session

    async def _serve(self, receive: Receive) -> None:
        outlet = self._outlet
        tasks = [asyncio.ensure_future(self._greet()), asyncio.ensure_future(self._read(receive))]
        try:
            either: set[asyncio.Future[Any]] = {outlet.closed, tasks[1]}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            self._delivery.hub.leave(outlet)
        await outlet.flushed()
        # A client that left by itself is sent a close too, which reaches nobody.
        outlet.close(CloseCode.NORMAL)
        await self._close(outlet.closed.result())

    async def _greet(self) -> None:
        """Join, say so, then answer pulls until the end."""
        try:
            ready = await self._delivery.join(self._outlet)
            self._outlet.write(encode_once(ready))
            while True:
                await self._answer(await self._pulls.get())
        except PeerChatError as refusal:
            self._outlet.close(refusal.close_code or CloseCode.BROKEN)
        except Exception as error:
            event("socket.failed", error=error)
            self._outlet.close(CloseCode.BROKEN)

    async def _close(self, code: int) -> None:
        # Servers raise what they like at a connection that has gone.
        with suppress(Exception):
            await self._send({"type": "websocket.close", "code": code})

    # --- reading -----------------------------------------------------------------------------------------

    async def _read(self, receive: Receive) -> None:
        """Take in every frame at once until the client goes."""
        while True:
            message = await receive()
            if message["type"] != "websocket.receive":
                return
            data = message.get("bytes")
            if data is None:
                self._outlet.close(CloseCode.PROTOCOL_BROKEN)
                continue
            frame: ClientFrame | None = None
            try:
                limited = self._over_the_rate()
                # Read all the same: a refusal that did not name its message would leave the sender waiting.
                frame = decode_client_frame(data)
                if limited is not None:
                    raise limited
                self._take(frame)
            except PeerChatError as refusal:
                self._refuse(refusal, frame)
            except Exception as error:
                event("socket.frame_failed", error=error)
                self._refuse(PeerChatError(ErrorCode.BROKEN, "This frame could not be handled."), frame)

    def _over_the_rate(self) -> PeerChatError | None:
        """Count one frame; return why it is refused, or raise what the socket is closed for."""
        wait = self._bucket.take(now=self._delivery.clock())
        if not wait:
            return None
        self._refusals += 1
        closes = self._refusals > REFUSALS_MAX
        refusal = PeerChatError(
            ErrorCode.RATE_LIMITED,
            "Too many frames; wait.",
            http_status=429,
            close_code=CloseCode.RATE_LIMITED if closes else None,
            details={"wait_ms": max(1, round(wait * 1000))},
        )
        if closes:
            raise refusal
        return refusal

    def _take(self, frame: ClientFrame) -> None:
        match frame:
            case Send():
                self._submit(frame)
            case Credit():
                self._outlet.credit(frame.frames)
            case Presence():
                self._delivery.renew_presence(self._outlet, frame)
            case Turn():
                self._delivery.wish_for_turn(self._outlet, frame)
            case Pull() | PullDevice():
                try:
                    self._pulls.put_nowait(frame)
                except asyncio.QueueFull:
                    raise PeerChatError(
                        ErrorCode.RATE_LIMITED,
                        "Too many pulls wait.",
                        http_status=429,
                        close_code=CloseCode.RATE_LIMITED,
                    ) from None

    def _refuse(self, refusal: PeerChatError, frame: ClientFrame | None) -> None:
        """Answer a frame that changed nothing; close where the protocol is broken."""
        if refusal.close_code is not None:
            self._outlet.close(refusal.close_code)
            return
        room_id = frame.room_id if isinstance(frame, Send | Pull | Turn) else None
        message_id = frame.message_id if isinstance(frame, Send) else None
        self._outlet.write(
            encode_once(
                Refused(
                    type="refused",
                    code=refusal.code,
                    room_id=room_id,
                    message_id=message_id,
                    details=refusal.details,
                )
            )
        )

    # --- sending -----------------------------------------------------------------------------------------

    def _submit(self, frame: Send) -> None:
        if self._sends_waiting >= SENDS_WAITING_MAX:
            raise PeerChatError(ErrorCode.BUSY, "Too many messages wait.", http_status=503)
        pending = PendingSend(
            device_id=self._outlet.device_id,
            room_id=UUID(bytes=frame.room_id),
            message_id=UUID(bytes=frame.message_id),
            epoch=frame.epoch,
            ciphertext=frame.ciphertext,
        )
        self._delivery.writer.submit(pending, partial(self._stored, frame))
        self._sends_waiting += 1

    def _stored(self, frame: Send, outcome: Outcome) -> None:
        """Acknowledge; called after the commit."""
        self._sends_waiting -= 1
        if isinstance(outcome, PeerChatError):
            self._refuse(outcome, frame)
            return
        self._outlet.write(
            encode_once(
                Ack(
                    type="ack",
                    room_id=frame.room_id,
                    message_id=frame.message_id,
                    seq=outcome.seq,
                    at=outcome.at,
                    expires_at=outcome.expires_at,
                )
            )
        )

    # --- pulling -----------------------------------------------------------------------------------------

    async def _answer(self, pull: Pull | PullDevice) -> None:
        """Answer one pull, once the peer has taken most of the answers before."""
        await self._outlet.drained()
        answer: Items | DeviceItems
        try:
            if isinstance(pull, Pull):
                answer = await self._delivery.readers.run(self._pull, pull)
            else:
                answer = await self._delivery.readers.run(self._pull_device, pull)
        except PeerChatError as refusal:
            self._refuse(refusal, pull)
        except Exception as error:
            event("socket.pull_failed", error=error)
            self._refuse(PeerChatError(ErrorCode.BROKEN, "This could not be read."), pull)
        else:
            self._outlet.write(encode_once(answer))

    def _pull(self, pull: Pull) -> Items:
        room = access.room_for(self._device, UUID(bytes=pull.room_id))
        return messages.items_after(room, pull.after, pull.limit)

    def _pull_device(self, pull: PullDevice) -> DeviceItems:
        device_events.drop_through(self._outlet.device_id, pull.after)
        return device_events.events_after(self._outlet.device_id, pull.after)


def _broken_protocol() -> PeerChatError:
    return PeerChatError(ErrorCode.MALFORMED, "Another subprotocol.", close_code=CloseCode.PROTOCOL_BROKEN)
