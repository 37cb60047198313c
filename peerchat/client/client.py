"""A client of one deployment, over HTTP: sign up and in, rooms, and what leaders and stewards append.

It pins the community's root by the invite and signs all that a person signs. It does not speak MLS (commits
and messages are opaque bytes that the caller makes), and it does not verify what others signed: a client that
shows rooms to people must (docs/protocol.md). ``live.Live`` is the socket.
"""

import time
from dataclasses import dataclass, field
from typing import Self

from peerchat.client import crypto
from peerchat.client.entries import head_of
from peerchat.client.http import Http
from peerchat.client.identity import Identity, new_identity
from peerchat.client.links import InviteLink, parse_link
from peerchat.protocol import http_bodies as bodies
from peerchat.protocol import limits
from peerchat.protocol.signed import (
    Action,
    AdmitBody,
    CreateBody,
    Head,
    InviteRole,
    MuteBody,
    Reason,
    RemoveBody,
    Role,
    SignedEntry,
)
from peerchat.protocol.types import WireModel

INVITE_LIFETIME_MS = 14 * 24 * 3_600_000


class WrongCommunity(Exception):
    """The server's community is not the one that the link or the identity pins."""


@dataclass(frozen=True, slots=True)
class RoomHandle:
    """A room that this client opened: its id, its MLS group's id, and the head of its log."""

    room_id: bytes
    group_id: bytes
    head: Head = field(repr=False)


class Client:
    """One signed-in device. Calls raise ``PeerChatError`` (refused) or ``Unreachable`` (call again)."""

    def __init__(self, *, http: Http, identity: Identity) -> None:
        self.http = http
        self.identity = identity
        self._ahead_ms = 0

    @property
    def origin(self) -> str:
        """Where the deployment is."""
        return self.http.origin

    async def close(self) -> None:
        """Close the connections. The session lives on until it is signed out or runs out."""
        await self.http.close()

    def server_now(self) -> int:
        """Return the server's time (UTC ms) as this client knows it: signed times are the server's."""
        return time.time_ns() // 1_000_000 + self._ahead_ms

    # --- signing up and in -------------------------------------------------------------------------------

    @classmethod
    async def sign_up(
        cls,
        link: str | InviteLink,
        *,
        handle: str,
        language: str = "en",
        phrase: str,
        key_packages: bodies.KeyPackagesRequest | None = None,
    ) -> Self:
        """Turn an invite into an account and sign in. ``phrase`` restores it elsewhere: six words, made at
        random.

        Raises ``WrongCommunity`` when the server's root is not the link's.
        """
        invite = parse_link(link) if isinstance(link, str) else link
        http = Http(invite.origin)
        try:
            community = await http.get("community", bodies.CommunityAnswer)
            if crypto.root_fingerprint(community.root) != invite.fingerprint:
                raise WrongCommunity
            client = cls(http=http, identity=new_identity(community.root))
            await client._sign_up(
                invite, handle=handle, language=language, phrase=phrase, key_packages=key_packages
            )
        except BaseException:
            await http.close()
            raise
        return client

    async def _sign_up(
        self,
        invite: InviteLink,
        *,
        handle: str,
        language: str,
        phrase: str,
        key_packages: bodies.KeyPackagesRequest | None,
    ) -> None:
        identity = self.identity
        look = await self.http.post(
            "invites/look",
            bodies.InviteLookAnswer,
            body=bodies.InviteLookRequest(invite_key=crypto.public_key(invite.seed)),
        )
        at = self.server_now()
        head = await self.community_head()
        keys = crypto.phrase_keys(phrase=phrase, root=identity.root, handle=handle)
        entries = identity.opening_entries(community_head=head, at=at)
        # Genesis vouches for the first steward's invite alone, which has no certificate.
        is_first = look.certificate is None
        claim = identity.claim(invite_seed=invite.seed, genesis=head, at=at) if is_first else None
        await self.http.post(
            "sign-up",
            bodies.SessionAnswer,
            body=bodies.SignUpRequest(
                account_id=identity.account_id,
                acceptance=identity.acceptance(invite_seed=invite.seed),
                profile=identity.profile(handle=handle, language=language, at=at),
                account_entries=entries,
                claim=claim,
                sign_in_verifier=keys.sign_in,
                backup=identity.sealed_backup(
                    key=keys.backup, community_head=head, account_head=head_of(entries[-1])
                ),
                key_packages=key_packages or bodies.KeyPackagesRequest(one_time=[], last_resort=None),
            ),
        )
        await self.me()

    @classmethod
    async def sign_in(cls, *, origin: str, identity: Identity) -> Self:
        """Sign in with a device's key. Raises ``WrongCommunity`` when the server's root is another."""
        client = cls(http=Http(origin), identity=identity)
        try:
            community = await client.http.get("community", bodies.CommunityAnswer)
            if community.root != identity.root:
                raise WrongCommunity
            await client.sign_in_again()
        except BaseException:
            await client.close()
            raise
        return client

    async def sign_in_again(self) -> None:
        """Open a new session for this device, after the old one ended."""
        challenge = await self.http.post(
            "sign-in/challenge",
            bodies.ChallengeAnswer,
            body=bodies.ChallengeRequest(device_id=self.identity.device_id),
        )
        statement = self.identity.sign_in(server_nonce=challenge.server_nonce, origin=self.origin)
        await self.http.post("sign-in", bodies.SessionAnswer, body=bodies.SignInRequest(statement=statement))
        await self.me()

    async def sign_out(self) -> None:
        """End this session."""
        await self.http.post("sign-out", bodies.DoneAnswer)

    async def me(self) -> bodies.MeAnswer:
        """Return who one is here; learns the server's clock."""
        asked = time.time_ns()
        answer = await self.http.get("me", bodies.MeAnswer)
        # The server read its clock about half-way between.
        self._ahead_ms = answer.now - (asked + time.time_ns()) // 2_000_000
        return answer

    async def add_key_packages(self, one_time: list[bytes], last_resort: bytes | None) -> None:
        """Offer MLS key packages of this device."""
        await self.http.post(
            "device/key-packages",
            bodies.KeyPackagesAnswer,
            body=bodies.KeyPackagesRequest(one_time=one_time, last_resort=last_resort),
        )

    # --- the community -------------------------------------------------------------------------------------

    async def community_head(self) -> Head:
        """Return the newest entry of the community log, as the server shows it."""
        log = await self.http.get("community/log", bodies.LogAnswer, query={"after": 0})
        return head_of(log.entries[-1])

    async def make_invite(self, *, role: InviteRole, room_id: bytes | None = None) -> InviteLink:
        """Make an invite of 14 days and return its link; the seed is in the link alone."""
        seed = crypto.random_bytes(32)
        certificate = self.identity.invite(
            invite_seed=seed,
            role=role,
            room_id=room_id,
            expires_at=self.server_now() + INVITE_LIFETIME_MS - limits.CLOCK_SKEW_MS,
        )
        await self.http.post("invites", bodies.DoneAnswer, body=bodies.InviteRequest(certificate=certificate))
        return InviteLink(
            origin=self.origin, fingerprint=crypto.root_fingerprint(self.identity.root), seed=seed
        )

    async def certify(self, *, account_id: bytes, identity_key: bytes, role: Role) -> None:
        """As a steward: certify an account. In a demo it counts at once."""
        entry = self.identity.certify(
            account_id=account_id,
            identity_key=identity_key,
            role=role,
            after=await self.community_head(),
            at=self.server_now(),
        )
        await self.http.post(
            "community/log", bodies.EntryAnswer, body=bodies.CommunityEntryRequest(entry=entry)
        )

    # --- rooms -----------------------------------------------------------------------------------------------

    async def rooms(self) -> list[bodies.RoomRow]:
        """Return the rooms that this person may know of."""
        return (await self.http.get("rooms", bodies.RoomsAnswer)).rooms

    async def create_room(
        self,
        name: str,
        *,
        room_id: bytes | None = None,
        group_id: bytes | None = None,
        expiry_seconds: int = limits.EXPIRY_DEFAULT_SECONDS,
    ) -> RoomHandle:
        """As a leader: open a room whose MLS group (``group_id``) has this device alone."""
        room_id, group_id = room_id or crypto.new_id(), group_id or crypto.new_id()
        body = CreateBody(
            salt=crypto.random_bytes(16),
            group_id=group_id,
            identity_key=self.identity.identity_key,
            expiry_seconds=expiry_seconds,
        )
        entry = await self._room_entry(room_id, after=None, action=Action.CREATE, body=body)
        await self.http.post(
            "rooms", bodies.RoomEntryAnswer, body=bodies.RoomCreateRequest(name=name, entry=entry)
        )
        return RoomHandle(room_id=room_id, group_id=group_id, head=head_of(entry))

    async def ask_to_join(self, room_id: bytes) -> None:
        """Knock at a room that the invite named."""
        await self.http.post(
            f"rooms/{room_id.hex()}/join-requests",
            bodies.DoneAnswer,
            body=bodies.JoinRequest(acceptance=None),
        )

    async def waiting(self, room_id: bytes) -> list[bodies.WaitingPerson]:
        """As a leader: return who knocks."""
        return (await self.http.get(f"rooms/{room_id.hex()}/waiting", bodies.WaitingAnswer)).waiting

    async def room_head(self, room_id: bytes) -> Head:
        """Return the newest entry of a room's log, as the server shows it."""
        log = await self.http.get(f"rooms/{room_id.hex()}/log", bodies.RoomLogAnswer, query={"after": 0})
        return head_of(log.entries[-1])

    async def admit(
        self, room_id: bytes, *, account_id: bytes, identity_key: bytes
    ) -> bodies.RoomEntryAnswer:
        """As a leader: let a person in. Some member's client must then commit the addition."""
        body = AdmitBody(salt=crypto.random_bytes(16), account_id=account_id, identity_key=identity_key)
        return await self.append(room_id, action=Action.ADMIT, body=body)

    async def remove(
        self, room_id: bytes, *, account_id: bytes, commit: bodies.CommitBundle, reason: Reason = Reason.OTHER
    ) -> bodies.RoomEntryAnswer:
        """As a leader: close the room to a person; ``commit`` removes all of its leaves."""
        body = RemoveBody(salt=crypto.random_bytes(16), account_id=account_id, reason=reason)
        return await self.append(room_id, action=Action.REMOVE, body=body, commit=commit)

    async def mute(
        self,
        room_id: bytes,
        *,
        account_id: bytes,
        muted: bool,
        commit: bodies.CommitBundle,
        reason: Reason = Reason.OTHER,
    ) -> bodies.RoomEntryAnswer:
        """As a leader: let a person read only, or write again; ``commit`` may be a bare path."""
        body = MuteBody(salt=crypto.random_bytes(16), account_id=account_id, muted=muted, reason=reason)
        return await self.append(room_id, action=Action.MUTE, body=body, commit=commit)

    async def append(
        self,
        room_id: bytes,
        *,
        action: Action,
        body: WireModel,
        commit: bodies.CommitBundle | None = None,
    ) -> bodies.RoomEntryAnswer:
        """Append an entry to a room's log, with its commit where the power matrix wants one."""
        entry = await self._room_entry(room_id, after=await self.room_head(room_id), action=action, body=body)
        return await self.http.post(
            f"rooms/{room_id.hex()}/log",
            bodies.RoomEntryAnswer,
            body=bodies.RoomEntryRequest(entry=entry, commit=commit),
        )

    async def pending(self, room_id: bytes) -> bodies.PendingAnswer:
        """Return what the next commit should do."""
        return await self.http.get(f"rooms/{room_id.hex()}/pending", bodies.PendingAnswer)

    async def claim(self, room_id: bytes, device_ids: list[bytes]) -> list[bodies.ClaimedKeyPackage]:
        """Return one key package each for devices that are to be added."""
        answer = await self.http.post(
            f"rooms/{room_id.hex()}/claims",
            bodies.ClaimAnswer,
            body=bodies.ClaimRequest(device_ids=device_ids),
        )
        return answer.key_packages

    async def commit(self, room_id: bytes, commit: bodies.CommitBundle) -> bodies.CommitAnswer:
        """Post a commit; ``room.stale_epoch`` means that another came first."""
        return await self.http.post(
            f"rooms/{room_id.hex()}/commits", bodies.CommitAnswer, body=bodies.CommitRequest(commit=commit)
        )

    async def items(self, room_id: bytes, *, after: int, limit: int = 200) -> bodies.ItemsAnswer:
        """Return a room's items after ``after`` over HTTP."""
        return await self.http.get(
            f"rooms/{room_id.hex()}/items", bodies.ItemsAnswer, query={"after": after, "limit": limit}
        )

    async def _room_entry(
        self, room_id: bytes, *, after: Head | None, action: Action, body: WireModel
    ) -> SignedEntry:
        return self.identity.room_entry(
            room_id=room_id,
            after=after,
            community_head=await self.community_head(),
            action=action,
            body=body,
            at=self.server_now(),
        )
