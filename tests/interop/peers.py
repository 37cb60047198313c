"""Members of one MLS group in two implementations, behind one interface: ours (TypeScript) and mls-rs (Rust).

mls-rs sends its commits as public messages and its Python binding has no authenticated data, so it meets our core
below the group rules. What both sides do here is what RFC 9420 says, not what peerchat allows.
"""

from __future__ import annotations

import base64
import json
import subprocess
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mls_rs_uniffi as mls

FRONTEND = Path(__file__).parents[2] / "frontend"
BUCKETS = (256, 512, 1024, 4096, 16384)


class PeerFailedError(Exception):
    """An implementation refused what the other one made, or what it was asked to make."""


@dataclass(frozen=True)
class MadeCommit:
    """``welcome`` is ``None`` where nobody was added."""

    commit: bytes
    welcome: bytes | None


@dataclass(frozen=True)
class View:
    """An exported secret of the epoch, equal for all members, and who is in (empty if the peer cannot say)."""

    secret: bytes
    names: frozenset[str]


class Peer(ABC):
    """One member. ``make_commit`` changes nothing until ``win``; ``receive`` takes another's and drops one's own."""

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def key_package(self) -> bytes: ...
    @abstractmethod
    def found(self, group_id: bytes) -> None: ...
    @abstractmethod
    def join(self, welcome: bytes) -> None: ...
    @abstractmethod
    def make_commit(self, adds: list[bytes], removes: list[str]) -> MadeCommit: ...
    @abstractmethod
    def win(self) -> None: ...
    @abstractmethod
    def receive(self, commit: bytes) -> bool:
        """Return whether this member was removed by it."""

    @abstractmethod
    def seal(self, text: str) -> bytes: ...
    @abstractmethod
    def open(self, message: bytes) -> str: ...
    @abstractmethod
    def look(self) -> View: ...
    def can_remove(self, name: str) -> bool:
        """Whether this implementation knows the member well enough to name it."""
        return name != self.name


class NodeHost:
    """One process of Node that plays all members of our side."""

    def __init__(self, node: str = "node") -> None:
        self._process = subprocess.Popen(
            [node, "--import", "tsx", "tests/interop/peer.ts"],
            cwd=FRONTEND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, deed: str, who: str, **details: object) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise PeerFailedError("no pipes")
        stdin.write(json.dumps({"do": deed, "who": who, **details}) + "\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise PeerFailedError("the process ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise PeerFailedError(f"ours, {who}, {deed}: {answer['error']}")
        return answer

    def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=20)
        if self._process.stdout is not None:
            self._process.stdout.close()


def _to64(data: bytes) -> str:
    return base64.b64encode(data).decode()


class OurPeer(Peer):
    def __init__(self, name: str, host: NodeHost) -> None:
        super().__init__(name)
        self._host = host
        self._key_package = base64.b64decode(host.ask("create", name)["bytes"])

    def key_package(self) -> bytes:
        return self._key_package

    def found(self, group_id: bytes) -> None:
        self._host.ask("found", self.name, bytes=_to64(group_id))

    def join(self, welcome: bytes) -> None:
        self._host.ask("join", self.name, bytes=_to64(welcome))

    def make_commit(self, adds: list[bytes], removes: list[str]) -> MadeCommit:
        made = self._host.ask("commit", self.name, adds=[_to64(add) for add in adds], removes=removes)
        welcome = made["welcome"]
        return MadeCommit(
            base64.b64decode(made["bytes"]), None if welcome is None else base64.b64decode(welcome)
        )

    def win(self) -> None:
        self._host.ask("won", self.name)

    def receive(self, commit: bytes) -> bool:
        return bool(self._host.ask("receive", self.name, bytes=_to64(commit))["removed"])

    def seal(self, text: str) -> bytes:
        return base64.b64decode(self._host.ask("seal", self.name, text=text)["bytes"])

    def open(self, message: bytes) -> str:
        return str(self._host.ask("open", self.name, bytes=_to64(message))["text"])

    def look(self) -> View:
        seen = self._host.ask("look", self.name)
        return View(base64.b64decode(seen["secret"]), frozenset(seen["names"]))


def _pad(content: bytes) -> bytes:
    """docs/protocol.md, "Messages": the length in two bytes, the content, zeros up to the bucket."""
    size = next(bucket for bucket in BUCKETS if len(content) + 2 <= bucket)
    return (len(content).to_bytes(2, "big") + content).ljust(size, b"\0")


def _unpad(padded: bytes) -> bytes:
    return padded[2 : 2 + int.from_bytes(padded[:2], "big")]


class RustPeer(Peer):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        keys = mls.generate_signature_keypair(mls.CipherSuite.CURVE25519_AES128)
        self._client = mls.Client(name.encode(), keys, mls.client_config_default())
        self._group: mls.Group | None = None
        self._own_commit: mls.Message | None = None
        # mls-rs names a member to remove by what it saw of it: whoever spoke or committed.
        self._seen: dict[str, mls.SigningIdentity] = {}

    @property
    def group(self) -> mls.Group:
        if self._group is None:
            raise PeerFailedError(f"{self.name} is in no room")
        return self._group

    def key_package(self) -> bytes:
        return bytes(self._client.generate_key_package_message().to_bytes())

    def found(self, group_id: bytes) -> None:
        self._group = self._client.create_group(group_id)

    def join(self, welcome: bytes) -> None:
        self._group = self._client.join_group(None, mls.Message.from_bytes(welcome)).group

    def make_commit(self, adds: list[bytes], removes: list[str]) -> MadeCommit:
        if adds and removes:
            raise PeerFailedError("mls-rs's binding adds or removes, not both")
        if adds:
            made = self.group.add_members([mls.Message.from_bytes(add) for add in adds])
        elif removes:
            made = self.group.remove_members([self._seen[name] for name in removes])
        else:
            made = self.group.commit()
        self._own_commit = made.commit_message
        welcome = made.welcome_message
        return MadeCommit(
            bytes(made.commit_message.to_bytes()), None if welcome is None else bytes(welcome.to_bytes())
        )

    def win(self) -> None:
        self.group.process_incoming_message(self._own_commit)

    def receive(self, commit: bytes) -> bool:
        received = self.group.process_incoming_message(mls.Message.from_bytes(commit))
        return bool(received.effect.is_removed())

    def seal(self, text: str) -> bytes:
        return bytes(self.group.encrypt_application_message(_pad(text.encode())).to_bytes())

    def open(self, message: bytes) -> str:
        received = self.group.process_incoming_message(mls.Message.from_bytes(message))
        text = _unpad(received.data).decode()
        self._seen[text.split(" ", 1)[0]] = received.sender
        return text

    def look(self) -> View:
        return View(bytes(self.group.export_secret(b"interop", b"same epoch", 32)), frozenset())

    def can_remove(self, name: str) -> bool:
        return name in self._seen
