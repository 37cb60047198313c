"""The load: sockets that send at a fixed rate and count every delivery. A process of its own: ``python -m bench.load``.

It reads a job (JSON) from standard input and writes a result to standard output. The clients are picows', which take
less CPU than any of the servers. The CPU that is told is the servers' (user and system, from the kernel's clock of each
process) from the first message of a phase to its last delivery.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgpack
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

CREDIT_EVERY = 16
CONNECT_AT_ONCE = 50
TICK_SECONDS = 0.001
LAST_SECONDS = 15.0
"""How long the last deliveries of a phase are waited for."""
_ID_BYTES = 16


def cpu_seconds(pids: Sequence[int]) -> float:
    """Return what these processes have used, user and system, all threads (clock_getcpuclockid(3))."""
    return sum(time.clock_gettime(_cpu_clock(pid)) for pid in pids)


def _cpu_clock(pid: int) -> int:
    return (~pid << 3) | 2


def resident_kb(pids: Sequence[int]) -> int:
    """Return the memory that these processes hold."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1])
    return total


@dataclass
class Tally:
    """What was sent and what came, by message id."""

    sent: dict[bytes, float] = field(default_factory=dict)
    came: dict[bytes, int] = field(default_factory=dict)
    delays: list[float] = field(default_factory=list)
    deliveries: int = 0
    refused: int = 0
    behind: int = 0

    def delivered(self, ids: Sequence[bytes]) -> None:
        """Count one socket's delivery of these messages."""
        now = time.perf_counter()
        for one in ids:
            started = self.sent.get(one)
            if started is not None:
                self.came[one] = self.came.get(one, 0) + 1
                self.deliveries += 1
                self.delays.append(now - started)


class Socket(WSListener):
    """A client; each kind of server has its own below."""

    def __init__(self, load: "Load") -> None:
        super().__init__()
        self.load = load
        self.transport: WSTransport | None = None
        self.ready = asyncio.get_running_loop().create_future()

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Be ready at once, where the server says nothing first."""
        self.transport = transport
        self.ready.set_result(None)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """A server that goes away has lost what it had."""
        self.transport = None
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("closed before it was ready"))

    def say(self, message_id: bytes, room: dict[str, Any]) -> None:
        """Send one message."""
        raise NotImplementedError

    def _write(self, kind: WSMsgType, data: bytes) -> None:
        if self.transport is not None:
            self.transport.send(kind, data)


class BareSocket(Socket):
    """A frame is a message."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Count it."""
        self.load.tally.delivered((frame.get_payload_as_bytes()[:_ID_BYTES],))

    def say(self, message_id: bytes, room: dict[str, Any]) -> None:
        self._write(WSMsgType.BINARY, message_id + self.load.filling)


class TutorialSocket(Socket):
    """A JSON text is a message."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Count it."""
        text = frame.get_payload_as_bytes()
        # {"message": "<32 hexadecimal digits>...
        self.load.tally.delivered((bytes.fromhex(text[13:45].decode()),))

    def say(self, message_id: bytes, room: dict[str, Any]) -> None:
        text = json.dumps({"message": message_id.hex() + self.load.text})
        self._write(WSMsgType.TEXT, text.encode())


class OurSocket(Socket):
    """A client of peerchat: it credits what it took in, and pulls what it was not pushed."""

    def __init__(self, load: "Load") -> None:
        super().__init__(load)
        self._pushed = 0
        self._have: dict[bytes, int] = {}

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Wait for the server's first frame."""
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take in one frame."""
        if frame.msg_type is not WSMsgType.BINARY:
            if frame.msg_type is WSMsgType.CLOSE:
                transport.disconnect()
            return
        told = self.load.read(frame.get_payload_as_bytes())
        kind = told["type"]
        if kind == "items":
            self._take(told)
        elif kind == "ready":
            self._have = {mark["room_id"]: mark["last_seq"] for mark in told["rooms"]}
            self.ready.set_result(None)
        elif kind == "refused":
            # Nothing that was refused is lost: its sender knows.
            self.load.tally.refused += 1
            self.load.tally.sent.pop(told["message_id"], None)
        elif kind == "notice" and told["notice"] == "behind":
            self.load.tally.behind += 1
            self._pull(told["room_id"])
        elif kind == "device_items":
            self._credit()

    def _take(self, told: dict[str, Any]) -> None:
        room_id = told["room_id"]
        have = self._have[room_id]
        if told["pushed"]:
            self._credit()
        if told["after"] > have:
            self._pull(room_id)
            return
        if told["through"] > have:
            if told["after"] == have:
                ids = told["ids"]
            else:
                ids = [item["message_id"] for item in told["items"] if item["seq"] > have]
            self.load.tally.delivered(ids)
            self._have[room_id] = told["through"]
            if not told["pushed"]:
                self._pull(room_id)

    def _credit(self) -> None:
        self._pushed += 1
        if self._pushed % CREDIT_EVERY == 0:
            self._write(WSMsgType.BINARY, msgpack.packb({"type": "credit", "frames": self._pushed}))

    def _pull(self, room_id: bytes) -> None:
        pull = {"type": "pull", "room_id": room_id, "after": self._have[room_id], "limit": 200}
        self._write(WSMsgType.BINARY, msgpack.packb(pull))

    def say(self, message_id: bytes, room: dict[str, Any]) -> None:
        frame = {
            "type": "send",
            "room_id": room["id"],
            "message_id": message_id,
            "epoch": room["epoch"],
            "ciphertext": self.load.filling,
        }
        self._write(WSMsgType.BINARY, msgpack.packb(frame))


SOCKETS: dict[str, Callable[["Load"], Socket]] = {
    "bare": BareSocket,
    "tutorial": TutorialSocket,
    "ours": OurSocket,
}


class Load:
    """One job."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        self.filling = os.urandom(job["bytes"])
        self.text = "x" * job["bytes"]
        self.tally = Tally()
        self.rooms: list[tuple[dict[str, Any], list[Socket]]] = []
        self._known: dict[bytes, dict[str, Any]] = {}
        self._counter = 0

    def read(self, payload: bytes) -> dict[str, Any]:
        """Return what a frame says; everyone in a room gets the same bytes, which are read once."""
        told = self._known.get(payload)
        if told is None:
            told = msgpack.unpackb(payload)
            if told["type"] == "items":
                told["ids"] = [item["message_id"] for item in told["items"] if item["kind"] == "message"]
            if len(self._known) > 2_000:
                self._known.clear()
            self._known[payload] = told
        return told

    async def run(self) -> dict[str, Any]:
        """Connect, stay idle for a moment, then drive each phase."""
        result: dict[str, Any] = await self._connect()
        result["phases"] = [await self._phase(**phase) for phase in self.job["phases"]]
        return result

    # --- connecting ----------------------------------------------------------------------------------------

    async def _connect(self) -> dict[str, Any]:
        servers = self.job["servers"]
        places: list[tuple[list[Socket], dict[str, Any]]] = []
        for room in self.job["rooms"]:
            sockets: list[Socket] = []
            about = {"id": bytes.fromhex(room["id"]), "epoch": room["epoch"]}
            self.rooms.append((about, sockets))
            places += [(sockets, member) for member in room["members"]]
        half = len(places) // 2
        await self._open(places[:half])
        await asyncio.sleep(0.5)
        memory, cpu, started = resident_kb(servers), cpu_seconds(servers), time.perf_counter()
        await self._open(places[half:])
        seconds = time.perf_counter() - started
        cpu = cpu_seconds(servers) - cpu
        await asyncio.sleep(0.5)
        count = len(places) - half
        return {
            "sockets": len(places),
            "connects_per_second": count / seconds,
            "connect_cpu_ms": 1000 * cpu / count,
            "idle_kb": (resident_kb(servers) - memory) / count,
        }

    async def _open(self, places: list[tuple[list[Socket], dict[str, Any]]]) -> None:
        gate = asyncio.Semaphore(CONNECT_AT_ONCE)

        async def one(sockets: list[Socket], member: dict[str, Any]) -> None:
            async with gate:
                socket = SOCKETS[self.job["kind"]](self)
                await ws_connect(
                    lambda: socket,
                    member["url"],
                    extra_headers=member["headers"],
                    websocket_handshake_timeout=60,
                )
                await socket.ready
                sockets.append(socket)

        await asyncio.gather(*(one(sockets, member) for sockets, member in places))

    # --- sending -------------------------------------------------------------------------------------------

    async def _phase(self, *, name: str, rate: float, seconds: float) -> dict[str, Any]:
        await self._send(rate, 1.0)
        self.tally = Tally()
        groups = {"servers": self.job["servers"], "all": self.job["servers"] + self.job["helpers"]}
        before = {group: cpu_seconds(pids) for group, pids in groups.items()}
        own, started = time.process_time(), time.perf_counter()
        await self._send(rate, seconds)
        own, wall = time.process_time() - own, time.perf_counter() - started
        used = {group: cpu_seconds(pids) - before[group] for group, pids in groups.items()}
        tally = self.tally
        expected = self._expected()
        wrong = sum(tally.came.get(one, 0) != self._everyone(one) for one in tally.sent)
        delays = sorted(tally.delays) or [0.0]
        thousands = max(tally.deliveries, 1) / 1000
        return {
            "name": name,
            "rate": rate,
            "messages": len(tally.sent),
            "deliveries": tally.deliveries,
            "lost": expected - tally.deliveries,
            "wrong": wrong,
            "refused": tally.refused,
            "behind": tally.behind,
            "cpu_ms": 1000 * used["servers"] / thousands,
            "cpu_ms_all": 1000 * used["all"] / thousands,
            "load_cpu_share": own / wall,
            "p50_ms": 1000 * delays[len(delays) // 2],
            "p99_ms": 1000 * delays[len(delays) * 99 // 100],
        }

    def _expected(self) -> int:
        return sum(self._everyone(one) for one in self.tally.sent)

    def _everyone(self, message_id: bytes) -> int:
        return len(self.rooms[int.from_bytes(message_id[:4], "big")][1])

    async def _send(self, rate: float, seconds: float) -> None:
        started, sent, total = time.perf_counter(), 0, round(rate * seconds)
        while sent < total:
            due = min(total, int((time.perf_counter() - started) * rate) + 1)
            while sent < due:
                self._say_next()
                sent += 1
            await asyncio.sleep(TICK_SECONDS)
        deadline = time.perf_counter() + LAST_SECONDS
        while self.tally.deliveries < self._expected() and time.perf_counter() < deadline:  # noqa: ASYNC110 - cheaper than an event for each
            await asyncio.sleep(0.005)

    def _say_next(self) -> None:
        number = self._counter % len(self.rooms)
        about, sockets = self.rooms[number]
        speaker = sockets[self._counter // len(self.rooms) % len(sockets)]
        message_id = number.to_bytes(4, "big") + os.urandom(_ID_BYTES - 4)
        self._counter += 1
        self.tally.sent[message_id] = time.perf_counter()
        speaker.say(message_id, about)


def main() -> None:
    """Run the job on standard input."""
    print(json.dumps(asyncio.run(Load(json.load(sys.stdin)).run())))


if __name__ == "__main__":
    main()
