"""Who a client is: an account, one device and their keys; and what these sign by themselves."""

from dataclasses import dataclass, field

from peerchat.client import crypto
from peerchat.client.entries import Signer, head_of, make_entry
from peerchat.protocol.codec import encode_canonical
from peerchat.protocol.signed import (
    Action,
    Author,
    BackupContent,
    CertifyBody,
    ClaimBody,
    DeviceAddBody,
    DeviceCertificate,
    Head,
    InviteAcceptance,
    InviteCertificate,
    InviteRole,
    Label,
    LogKind,
    OpenBody,
    Profile,
    Role,
    SignedEntry,
    SignedStatement,
    SignInStatement,
)
from peerchat.protocol.types import WireModel


@dataclass(frozen=True, slots=True)
class Identity:
    """Ids and seeds. Keep ``identity_seed`` sealed when it is not needed: it makes devices."""

    root: bytes
    account_id: bytes
    device_id: bytes
    identity_seed: bytes = field(repr=False)
    device_seed: bytes = field(repr=False)

    @property
    def identity_key(self) -> bytes:
        """The public key that others know the account by."""
        return crypto.public_key(self.identity_seed)

    @property
    def device_key(self) -> bytes:
        """The public key of this device."""
        return crypto.public_key(self.device_seed)

    @property
    def author(self) -> Author:
        """Who signs entries with the device's key."""
        return Author(account_id=self.account_id, device_id=self.device_id)

    def _by_identity(self) -> Signer:
        return Signer(root=self.root, seed=self.identity_seed)

    def _by_device(self) -> Signer:
        return Signer(root=self.root, seed=self.device_seed)

    # --- signing up and in -----------------------------------------------------------------------------

    def opening_entries(self, *, community_head: Head, at: int) -> list[SignedEntry]:
        """Return the account's first two entries, ``open`` and the ``device-add`` of this device."""
        signer = self._by_identity()
        certificate = signer.statement(
            Label.DEVICE,
            DeviceCertificate(
                account_id=self.account_id,
                device_id=self.device_id,
                identity_key=self.identity_key,
                device_key=self.device_key,
                replaces=None,
                at=at,
            ),
        )
        bodies: list[tuple[Action, WireModel]] = [
            (
                Action.OPEN,
                OpenBody(salt=_salt(), account_id=self.account_id, identity_key=self.identity_key),
            ),
            (Action.DEVICE_ADD, DeviceAddBody(salt=_salt(), certificate=certificate)),
        ]
        entries: list[SignedEntry] = []
        for action, body in bodies:
            entries.append(
                make_entry(
                    log=LogKind.ACCOUNT,
                    log_id=self.account_id,
                    after=head_of(entries[-1]) if entries else None,
                    community_head=community_head,
                    author=Author(account_id=self.account_id, device_id=None),
                    action=action,
                    body=body,
                    at=at,
                    sign=signer.sign,
                )
            )
        return entries

    def profile(self, *, handle: str, language: str, at: int) -> SignedStatement:
        """Return the signed name that a person chose."""
        value = Profile(account_id=self.account_id, handle=handle, language=language, at=at)
        return self._by_identity().statement(Label.PROFILE, value)

    def acceptance(self, *, invite_seed: bytes) -> SignedStatement:
        """Return this identity, signed by the invite's key."""
        value = InviteAcceptance(
            invite_key=crypto.public_key(invite_seed),
            account_id=self.account_id,
            identity_key=self.identity_key,
        )
        return Signer(root=self.root, seed=invite_seed).statement(Label.INVITE_ACCEPTANCE, value)

    def claim(self, *, invite_seed: bytes, genesis: Head, at: int) -> SignedEntry:
        """Return the first steward's claim, signed by the invite that genesis names."""
        return make_entry(
            log=LogKind.COMMUNITY,
            log_id=crypto.root_fingerprint(self.root),
            after=genesis,
            community_head=None,
            author=Author(account_id=self.account_id, device_id=None),
            action=Action.CLAIM,
            body=ClaimBody(salt=_salt(), account_id=self.account_id, identity_key=self.identity_key),
            at=at,
            sign=Signer(root=self.root, seed=invite_seed).sign,
        )

    def sealed_backup(self, *, key: bytes, community_head: Head, account_head: Head) -> bytes:
        """Return what a new browser needs, sealed under the phrase's backup key."""
        content = BackupContent(
            v=1,
            root=self.root,
            account_id=self.account_id,
            identity_seed=self.identity_seed,
            community_head=community_head,
            account_head=account_head,
        )
        return crypto.seal_backup(key=key, root=self.root, plaintext=encode_canonical(content))

    def sign_in(self, *, server_nonce: bytes, origin: str) -> SignedStatement:
        """Return the answer to a sign-in challenge."""
        value = SignInStatement(
            device_id=self.device_id,
            server_nonce=server_nonce,
            client_nonce=crypto.random_bytes(32),
            origin=origin,
        )
        return self._by_device().statement(Label.SIGN_IN, value)

    # --- as a member, leader or steward --------------------------------------------------------------------

    def invite(
        self, *, invite_seed: bytes, role: InviteRole, room_id: bytes | None, expires_at: int
    ) -> SignedStatement:
        """Return the certificate of an invite."""
        value = InviteCertificate(
            invite_key=crypto.public_key(invite_seed),
            role=role,
            room_id=room_id,
            inviter=self.author,
            expires_at=expires_at,
        )
        return self._by_device().statement(Label.INVITE, value)

    def certify(
        self, *, account_id: bytes, identity_key: bytes, role: Role, after: Head, at: int
    ) -> SignedEntry:
        """Return a steward's ``certify``."""
        return make_entry(
            log=LogKind.COMMUNITY,
            log_id=crypto.root_fingerprint(self.root),
            after=after,
            community_head=None,
            author=self.author,
            action=Action.CERTIFY,
            body=CertifyBody(salt=_salt(), account_id=account_id, identity_key=identity_key, role=role),
            at=at,
            sign=self._by_device().sign,
        )

    def room_entry(
        self,
        *,
        room_id: bytes,
        after: Head | None,
        community_head: Head,
        action: Action,
        body: WireModel,
        at: int,
    ) -> SignedEntry:
        """Return the next entry of a room's log."""
        return make_entry(
            log=LogKind.ROOM,
            log_id=room_id,
            after=after,
            community_head=community_head,
            author=self.author,
            action=action,
            body=body,
            at=at,
            sign=self._by_device().sign,
        )


def new_identity(root: bytes) -> Identity:
    """Return fresh ids and keys in the community of ``root``."""
    return Identity(
        root=root,
        account_id=crypto.new_id(),
        device_id=crypto.new_id(),
        identity_seed=crypto.random_bytes(32),
        device_seed=crypto.random_bytes(32),
    )


def _salt() -> bytes:
    return crypto.random_bytes(16)
