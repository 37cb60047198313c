from __future__ import annotations

import asyncio
import socket

import pytest

from tests.network_guard import NetworkRefused, guard

# Addresses that are reserved for documentation: nobody is there.
ELSEWHERE = ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"]


@pytest.mark.parametrize("address", ELSEWHERE)
def test_a_connection_to_another_machine_is_refused_and_remembered(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as sock, pytest.raises(NetworkRefused):
        sock.connect((address, 443))
    assert guard.take_attempts() == [f"socket.connect to {address} port 443"]


def test_a_datagram_to_another_machine_is_refused() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, pytest.raises(NetworkRefused):
        sock.sendto(b"x", ("192.0.2.1", 53))
    assert len(guard.take_attempts()) == 1


def test_a_look_up_of_a_name_is_refused() -> None:
    with pytest.raises(NetworkRefused):
        socket.getaddrinfo("host.example", 443)
    assert guard.take_attempts() == ["look-up of host.example"]


async def test_asyncio_stands_under_the_guard() -> None:
    with pytest.raises(NetworkRefused):
        await asyncio.open_connection("192.0.2.1", 443)
    assert guard.take_attempts()


async def test_loopback_is_open() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("localhost", port, family=socket.AF_INET)
        assert await reader.read() == b"hello"
        writer.close()
        await writer.wait_closed()
    assert guard.take_attempts() == []
