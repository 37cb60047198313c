"""The other end of the scale: a bare picows server, which sends each frame to everyone in its room and no more.

No accounts, no storage, no order, no slow readers. ``python -m bench.bare PORT``; the path is the room.
"""

import asyncio
import sys

from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

rooms: dict[bytes, set[WSTransport]] = {}


class Member(WSListener):
    """One socket."""

    def __init__(self, room: bytes) -> None:
        super().__init__()
        self._room = rooms.setdefault(room, set())

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Join."""
        self._room.add(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Send it to everyone."""
        if frame.msg_type is WSMsgType.BINARY:
            payload = frame.get_payload_as_bytes()
            for member in self._room:
                member.send(WSMsgType.BINARY, payload)
        elif frame.msg_type is WSMsgType.CLOSE:
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Leave."""
        self._room.discard(transport)


def _join(request: WSUpgradeRequest) -> Member:
    return Member(bytes(request.path))


async def _serve(port: int) -> None:
    server = await ws_create_server(_join, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
