"""What people sign: log entries and statements, as canonical MessagePack.

The signature is Ed25519 over ``"peerchat/v1/" + label``, a zero byte, the community root's public key (32 bytes) and
the body, so that no signature is worth anything under another label or in another community. Bodies are stored and
sent verbatim. No entry holds a handle or free text: bodies can be erased and the chain still checks.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from peerchat.protocol import limits
from peerchat.protocol.types import (
    Count,
    EntryBodyBytes,
    EntryBytes,
    Handle,
    Hash,
    Id,
    Key,
    Language,
    Moment,
    Nonce,
    NoteLine,
    Salt,
    Signature,
    StatementBytes,
    WireModel,
)


class Label(StrEnum):
    """What a signature is for; the first part of the signed bytes."""

    COMMUNITY_ENTRY = "community-entry"
    ACCOUNT_ENTRY = "account-entry"
    ROOM_ENTRY = "room-entry"
    DEVICE = "device"
    PROFILE = "profile"
    INVITE = "invite"
    INVITE_ACCEPTANCE = "invite-acceptance"
    SIGN_IN = "sign-in"
    BOX_KEY = "box-key"


class Role(StrEnum):
    """What a steward's ``certify`` makes of an account; everyone else is a member."""

    STEWARD = "steward"
    LEADER = "leader"
    COUNSELOR = "counselor"


class InviteRole(StrEnum):
    """What an invite is meant for. An invite never certifies by itself."""

    STEWARD = "steward"
    LEADER = "leader"
    COUNSELOR = "counselor"
    MEMBER = "member"


class RoomRole(StrEnum):
    LEADER = "leader"
    MEMBER = "member"


class LogKind(StrEnum):
    COMMUNITY = "community"
    ACCOUNT = "account"
    ROOM = "room"


class Action(StrEnum):
    """Every log entry type. ``regroup``, ``checkpoint`` and ``admit-device`` are kept for what crypto.md names so."""

    # The community log.
    GENESIS = "genesis"
    CLAIM = "claim"
    CERTIFY = "certify"
    REVOKE = "revoke"
    # An account log.
    OPEN = "open"
    DEVICE_ADD = "device-add"
    DEVICE_REVOKE = "device-revoke"
    # A room log.
    CREATE = "create"
    ADMIT = "admit"
    LEAVE = "leave"
    REMOVE = "remove"
    GRANT = "grant"
    MUTE = "mute"
    HIDE = "hide"
    SETTINGS = "settings"
    LOCK = "lock"


class Reason(StrEnum):
    """Why a leader removed, muted or hid; closed, so that no free text enters a log."""

    SAFETY = "safety"
    AGREEMENT = "agreement"
    ASKED = "asked"
    OTHER = "other"


class SignedStatement(WireModel):
    """Signed bytes that stand alone; the label says which of the bodies below they hold."""

    body: StatementBytes
    signature: Signature


class SignedEntry(WireModel):
    """One link of a log. ``body`` is ``None`` once it was erased; ``entry`` holds its salted hash."""

    entry: EntryBytes
    body: EntryBodyBytes | None
    signature: Signature


class Head(WireModel):
    """The newest entry of a log that somebody has seen."""

    index: Count
    hash: Hash


class Author(WireModel):
    """Who signed. ``device_id`` is ``None`` where the identity key itself signs; both are ``None`` for genesis."""

    account_id: Id | None
    device_id: Id | None


class LogEntry(WireModel):
    """The signed part of an entry.

    ``previous_hash`` is the hash of the entry before (zeros for index 0); an entry's hash is SHA-256 over
    ``"peerchat/v1/entry"``, a zero byte, ``entry`` and ``signature``. ``body_hash`` is SHA-256 over
    ``"peerchat/v1/entry-body"``, a zero byte and ``body``. ``log_id`` is the root fingerprint, the account or the
    room. ``community_head`` is what its author had seen; ``None`` only inside the community log. ``at`` is the
    server's time as the author's client knows it.
    """

    v: Literal[1]
    log: LogKind = Field(strict=False)
    log_id: Id
    index: Count
    previous_hash: Hash
    community_head: Head | None
    author: Author
    action: Action = Field(strict=False)
    body_hash: Hash
    at: Moment


# --- Bodies of the community log -----------------------------------------------------------------


class GenesisBody(WireModel):
    """Signed by the root. ``certify_delay_hours`` is at least 24 unless ``demo``."""

    salt: Salt
    root: Key
    first_steward_invite: Key
    demo: bool
    certify_delay_hours: Annotated[int, Field(ge=0, le=168)]


class ClaimBody(WireModel):
    """Index 1 alone, signed by the first steward's invite key: it names the first steward."""

    salt: Salt
    account_id: Id
    identity_key: Key


class CertifyBody(WireModel):
    salt: Salt
    account_id: Id
    identity_key: Key
    role: Role = Field(strict=False)


class RevokeBody(WireModel):
    salt: Salt
    account_id: Id
    role: Role = Field(strict=False)


# --- Bodies of an account log, all signed by the identity key ----------------------------------------


class OpenBody(WireModel):
    salt: Salt
    account_id: Id
    identity_key: Key


class DeviceAddBody(WireModel):
    """``certificate`` is a ``SignedStatement`` under ``device``: the very bytes that stand in the MLS credential."""

    salt: Salt
    certificate: SignedStatement


class DeviceRevokeBody(WireModel):
    salt: Salt
    device_id: Id


# --- Bodies of a room log, signed by a device key ---------------------------------------------------


class CreateBody(WireModel):
    salt: Salt
    group_id: Id
    identity_key: Key
    expiry_seconds: Annotated[int, Field(ge=limits.EXPIRY_MIN_SECONDS, le=limits.EXPIRY_MAX_SECONDS)]


class AdmitBody(WireModel):
    salt: Salt
    account_id: Id
    identity_key: Key


class LeaveBody(WireModel):
    salt: Salt


class RemoveBody(WireModel):
    salt: Salt
    account_id: Id
    reason: Reason = Field(strict=False)


class GrantBody(WireModel):
    salt: Salt
    account_id: Id
    room_role: RoomRole = Field(strict=False)


class MuteBody(WireModel):
    salt: Salt
    account_id: Id
    muted: bool
    reason: Reason = Field(strict=False)


class HideBody(WireModel):
    salt: Salt
    message_id: Id
    reason: Reason = Field(strict=False)


class SettingsBody(WireModel):
    salt: Salt
    expiry_seconds: Annotated[int, Field(ge=limits.EXPIRY_MIN_SECONDS, le=limits.EXPIRY_MAX_SECONDS)]


class LockBody(WireModel):
    """While locked only leaders write, and nobody is admitted."""

    salt: Salt
    locked: bool


BODIES: dict[Action, type[WireModel]] = {
    Action.GENESIS: GenesisBody,
    Action.CLAIM: ClaimBody,
    Action.CERTIFY: CertifyBody,
    Action.REVOKE: RevokeBody,
    Action.OPEN: OpenBody,
    Action.DEVICE_ADD: DeviceAddBody,
    Action.DEVICE_REVOKE: DeviceRevokeBody,
    Action.CREATE: CreateBody,
    Action.ADMIT: AdmitBody,
    Action.LEAVE: LeaveBody,
    Action.REMOVE: RemoveBody,
    Action.GRANT: GrantBody,
    Action.MUTE: MuteBody,
    Action.HIDE: HideBody,
    Action.SETTINGS: SettingsBody,
    Action.LOCK: LockBody,
}

# --- Statements ------------------------------------------------------------------------------------


class DeviceCertificate(WireModel):
    """Label ``device``, signed by the identity key. ``replaces`` names the device whose state was lost."""

    account_id: Id
    device_id: Id
    identity_key: Key
    device_key: Key
    replaces: Id | None
    at: Moment


class Profile(WireModel):
    """Label ``profile``, signed by the identity key: the name a person chose, outside every log."""

    account_id: Id
    handle: Handle
    language: Language
    at: Moment


class InviteCertificate(WireModel):
    """Label ``invite``, signed by the inviter's device key."""

    invite_key: Key
    role: InviteRole = Field(strict=False)
    room_id: Id | None
    inviter: Author
    expires_at: Moment


class InviteAcceptance(WireModel):
    """Label ``invite-acceptance``, signed by the invite key: binds the new identity to the link."""

    invite_key: Key
    account_id: Id
    identity_key: Key


class SignInStatement(WireModel):
    """Label ``sign-in``, signed by the device key. ``origin`` is the origin the browser shows."""

    device_id: Id
    server_nonce: Nonce
    client_nonce: Nonce
    origin: Annotated[str, Field(min_length=8, max_length=200)]


class BoxKeyStatement(WireModel):
    """Label ``box-key``, signed by the device key: the X25519 key to which escalations (and reports) are sealed.

    ``community_head`` is the newest that its author had seen; ``ends_at`` is at most ``BOX_KEY_LIFETIME_MS`` after
    ``at``. A client seals to it only while it knows no later statement of the device, and after its own check.
    """

    author: Author
    box_key: Key
    community_head: Head
    at: Moment
    ends_at: Moment


class MlsCredential(WireModel):
    """The identity of a basic MLS credential (RFC 9420 §5.3): the chain to the identity key, and no name."""

    certificate: SignedStatement


class MessageHeader(WireModel):
    """Authenticated data of an application message (RFC 9420 §6.3.1), in clear.

    ``counter`` counts this device's messages in this room's group from 1: a repeat is dropped, a gap is shown.
    """

    kind: Literal["message"]
    room_id: Id
    message_id: Id
    counter: Count


class CommitHeader(WireModel):
    """Authenticated data of a commit. Heads never go back; the room head counts an entry that lands with it."""

    kind: Literal["commit"]
    room_id: Id
    community_head: Head
    room_head: Head


class MessageContent(WireModel):
    """What is inside the ciphertext. Closed: text only. ``note`` folds the message until its reader opens it."""

    v: Literal[1]
    text: Annotated[str, Field(min_length=1, max_length=limits.TEXT_MAX_CHARS)]
    note: NoteLine | None


class BackupContent(WireModel):
    """What the phrase seals (XChaCha20-Poly1305; associated data ``"peerchat/v1/backup"``, a zero byte, ``root``).

    The server holds it and cannot open it. A new browser pins the root and refuses logs older than both heads.
    """

    v: Literal[1]
    root: Key
    account_id: Id
    identity_seed: Key
    community_head: Head
    account_head: Head
