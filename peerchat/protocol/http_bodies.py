"""Bodies of the HTTP interface under ``/api/v1``: requests end in ``Request``, answers in ``Answer``.

Every write is idempotent: sending the same body again gives the same answer and changes nothing. Ids in paths are 32
lower-case hexadecimal digits. Nothing here is ever in a query string but ``after`` and ``limit``.
"""

from typing import Annotated, Literal

from pydantic import Field

from peerchat.errors import ErrorCode
from peerchat.protocol import limits
from peerchat.protocol.server_frames import DeviceItem, Item
from peerchat.protocol.signed import InviteRole, Role, RoomRole, SignedEntry, SignedStatement
from peerchat.protocol.types import (
    BackupBytes,
    BoxBytes,
    CaseBytes,
    Ciphertext,
    CommitBytes,
    Count,
    Hash,
    Id,
    Key,
    KeyPackageBytes,
    Language,
    Moment,
    Nonce,
    RoomName,
    WelcomeBytes,
    WireModel,
)


class ErrorAnswer(WireModel):
    """Every refusal. ``message`` is plain English for a developer; the app has its own words for each code."""

    code: ErrorCode = Field(strict=False)
    message: str
    details: dict[str, int]


class DoneAnswer(WireModel):
    """The wish holds now, whether this request made it so or an earlier one."""

    done: Literal[True]


# --- Community -----------------------------------------------------------------------------------


class CommunityAnswer(WireModel):
    """What anyone may see. The client checks ``root`` against the fingerprint that its invite or backup pinned."""

    root: Key
    name: str
    demo: bool
    languages: list[Language]


class AccountLog(WireModel):
    """An account as others verify it: its log from ``open`` on, and the signed profile (``None`` once forgotten)."""

    account_id: Id
    entries: list[SignedEntry]
    profile: SignedStatement | None


class LogAnswer(WireModel):
    """Entries of the community log from index ``after`` to the newest, oldest first.

    ``accounts`` are the logs of every account that the whole log names, without profiles: whoever opens a link has no
    session yet and must check who signed.
    """

    entries: list[SignedEntry]
    accounts: list[AccountLog]


class AccountLogsRequest(WireModel):
    account_ids: Annotated[list[Id], Field(max_length=limits.ROOM_MEMBERS_MAX)]


class AccountLogsAnswer(WireModel):
    """Accounts that the asker may not see are left out, as those that do not exist."""

    accounts: list[AccountLog]


class CommunityEntryRequest(WireModel):
    """``certify`` or ``revoke`` by a steward."""

    entry: SignedEntry


class EntryAnswer(WireModel):
    index: Count


# --- Invites ---------------------------------------------------------------------------------------


class InviteRequest(WireModel):
    """The certificate as signed on the inviter's device. The server keeps SHA-256 of the invite key."""

    certificate: SignedStatement


class InviteRow(WireModel):
    """An invite its maker can still revoke. The seed is known to the link alone, so it cannot be shown again."""

    invite_hash: Hash
    role: InviteRole = Field(strict=False)
    room_id: Id | None
    expires_at: Moment
    used: bool


class InvitesAnswer(WireModel):
    invites: list[InviteRow]


class Candidate(WireModel):
    """Someone who came by an invite for a role, as a steward checks and certifies them."""

    account: AccountLog
    invited_as: InviteRole = Field(strict=False)
    acceptance: SignedStatement


class CandidatesAnswer(WireModel):
    """For stewards: everyone whose invite names a role other than member, certified or not."""

    candidates: list[Candidate]


class InviteLookRequest(WireModel):
    invite_key: Key


class InviteLookAnswer(WireModel):
    """What a link stands for, shown before sign-up. Genesis vouches where ``certificate`` is ``None``."""

    role: InviteRole = Field(strict=False)
    room_id: Id | None
    room_name: str | None
    expires_at: Moment
    certificate: SignedStatement | None


# --- Accounts and devices -----------------------------------------------------------------------------


class KeyPackagesRequest(WireModel):
    """MLS key packages (RFC 9420 §10) of this device; ``last_resort`` is served again when the others are gone."""

    one_time: Annotated[list[KeyPackageBytes], Field(max_length=limits.KEY_PACKAGES_MAX)]
    last_resort: KeyPackageBytes | None


class KeyPackagesAnswer(WireModel):
    one_time_left: Count
    last_resort_used: bool


class SignUpRequest(WireModel):
    """A new account. ``account_entries`` are ``open`` and the first ``device-add``; ``claim``: the first steward alone.

    ``sign_in_verifier`` is HKDF of Argon2id of the phrase; ``backup`` is sealed under another key of the same phrase.
    """

    account_id: Id
    acceptance: SignedStatement
    profile: SignedStatement
    account_entries: Annotated[list[SignedEntry], Field(min_length=2, max_length=2)]
    claim: SignedEntry | None
    sign_in_verifier: Key
    backup: BackupBytes
    key_packages: KeyPackagesRequest


class SessionAnswer(WireModel):
    """Signed in: the cookie is in the answer's headers (HttpOnly, SameSite=Strict)."""

    account_id: Id
    device_id: Id
    ends_at: Moment


class ChallengeRequest(WireModel):
    device_id: Id


class ChallengeAnswer(WireModel):
    """The same shape and time for a device that does not exist."""

    server_nonce: Nonce
    ends_at: Moment


class SignInRequest(WireModel):
    statement: SignedStatement


class MeAnswer(WireModel):
    account_id: Id
    device_id: Id
    handle: str
    language: Language
    roles: list[Annotated[Role, Field(strict=False)]]
    now: Moment


class PinRequest(WireModel):
    """Set a PIN for this device. The share stays the same when the PIN changes: a crash in between loses nothing.

    ``verifier`` = HKDF(Argon2id(PIN, 32 random bytes kept on the device), "pin-verifier"); ``locator`` = HKDF(those 32
    bytes, "pin-locator"). Device ids are known to everyone in a room: with an id alone anyone could use up the tries.
    """

    locator: Key
    verifier: Key


class PinAnswer(WireModel):
    """The server's part of the local key. It is kept in the key file, never in the database."""

    share: Key


class PinUnlockRequest(WireModel):
    """Without a cookie: a locked device cannot sign in. Ten wrong tries destroy the share (``pin.erased``).

    ``pin.wrong`` has ``details.left``. An unknown locator gets the same answer, and nothing is counted.
    """

    locator: Key
    verifier: Key


# --- Rooms ------------------------------------------------------------------------------------------


class RoomCreateRequest(WireModel):
    """``entry`` is ``create``; the creator's device alone is in the group at epoch 0."""

    name: RoomName
    entry: SignedEntry


RoomStanding = Literal["member", "waiting", "declined", "left", "removed", "invited"]


class RoomRow(WireModel):
    """A room as one person sees it; ``in_group``: this device's leaf is there by the server's bookkeeping."""

    room_id: Id
    name: str
    standing: RoomStanding
    role: RoomRole | None = Field(strict=False)
    in_group: bool
    members: Count
    waiting: Count
    locked: bool
    muted: bool
    expiry_seconds: Count
    last_seq: Count
    epoch: Count


class RoomsAnswer(WireModel):
    rooms: list[RoomRow]


class JoinRequest(WireModel):
    """Ask to be let in. ``acceptance`` shows a room link to someone who signed up with another; else ``None``."""

    acceptance: SignedStatement | None


class WaitingPerson(WireModel):
    """All that a leader's client needs to check who knocks: account log, invite and the invite's acceptance."""

    account: AccountLog
    certificate: SignedStatement | None
    acceptance: SignedStatement
    asked_at: Moment


class WaitingAnswer(WireModel):
    waiting: list[WaitingPerson]


class DeclineRequest(WireModel):
    account_id: Id


class CommitBundle(WireModel):
    """An MLS commit and what it does, for the server's bookkeeping; the other clients check what it truly does.

    ``adds`` are device ids in the order of the Welcome's secrets; ``welcome`` is ``None`` only when there are none.
    """

    epoch: Count
    commit: CommitBytes
    welcome: WelcomeBytes | None
    adds: Annotated[list[Id], Field(max_length=limits.CLAIM_MAX_DEVICES)]
    removes: Annotated[list[Id], Field(max_length=limits.ROOM_MEMBERS_MAX)]
    community_head: Count
    room_head: Count


class RoomEntryRequest(WireModel):
    """Append to the room log; ``commit`` where the power matrix requires one. Both land together or not at all."""

    entry: SignedEntry
    commit: CommitBundle | None


class RoomEntryAnswer(WireModel):
    """``seq`` of the entry; ``epoch`` the group is in now."""

    index: Count
    seq: Count
    epoch: Count


class CommitRequest(WireModel):
    commit: CommitBundle


class CommitAnswer(WireModel):
    seq: Count
    epoch: Count


class PendingDevice(WireModel):
    account_id: Id
    device_id: Id


class PendingAnswer(WireModel):
    """What the next commit should do, by the server's bookkeeping; the client checks each against the logs."""

    epoch: Count
    adds: list[PendingDevice]
    removes: list[PendingDevice]


class ClaimRequest(WireModel):
    """Fetch one key package each for devices that are pending adds; asking again soon returns the same packages."""

    device_ids: Annotated[list[Id], Field(min_length=1, max_length=limits.CLAIM_MAX_DEVICES)]


class ClaimedKeyPackage(WireModel):
    device_id: Id
    key_package: KeyPackageBytes


class ClaimAnswer(WireModel):
    """Devices without a package left are left out."""

    key_packages: list[ClaimedKeyPackage]


class RoomLogAnswer(WireModel):
    """Entries from ``after`` on, and the logs of every account they or the group name."""

    entries: list[SignedEntry]
    accounts: list[AccountLog]


class SendRequest(WireModel):
    """The ``send`` frame over HTTP, for networks on which no socket lives."""

    message_id: Id
    epoch: Count
    ciphertext: Ciphertext


class SendAnswer(WireModel):
    seq: Count
    at: Moment
    expires_at: Moment


class DeviceItemsAnswer(WireModel):
    """The ``device_items`` frame over HTTP. ``after`` drops the events up to it, as in ``pull_device``."""

    after: Count
    through: Count
    items: list[DeviceItem]


class ItemsAnswer(WireModel):
    """The ``items`` frame over HTTP."""

    after: Count
    through: Count
    floor: Count
    items: list[Item]


# --- Escalations --------------------------------------------------------------------------------------

CaseStatus = Literal["raised", "paging", "acknowledged", "unanswered", "talking", "closed", "withdrawn"]
CaseOutcome = Literal["talked", "referred", "emergency", "not-needed", "not-reached", "nobody-came", "lapsed"]


class BoxKeyRequest(WireModel):
    """This device's box key (``BoxKeyStatement``). A newer one takes the older one's place."""

    statement: SignedStatement


class BoxKeyRow(WireModel):
    account_id: Id
    device_id: Id
    statement: SignedStatement


class BoxKeysAnswer(WireModel):
    """To whom a case can be sealed now. The client checks each: signature, account log, certification."""

    keys: list[BoxKeyRow]


class CaseBoxBody(WireModel):
    """The content key in a sealed box to ``box_key``."""

    box_key: Key
    sealed: BoxBytes


class CaseRaiseRequest(WireModel):
    """Ask for a counselor. ``case_id`` is random and is the idempotency key: send again until it is answered.

    The same id and ``sealed`` with other boxes adds those. ``drill`` has neither ``sealed`` nor boxes.
    """

    case_id: Id
    sealed: CaseBytes | None
    boxes: Annotated[list[CaseBoxBody], Field(max_length=limits.CASE_BOXES_MAX)]
    for_other: bool
    drill: bool


class CaseAnswer(WireModel):
    """The true status. ``holder`` is whom to name; ``recipients``: how many can read it.

    ``try_until``: until when others are paged while nobody took it. ``delayed``: the part of the server that pages is
    not running, which the screen must say, with hotlines.
    """

    case_id: Id
    status: CaseStatus
    raised_at: Moment
    since: Moment
    try_until: Moment
    holder: Id | None
    offered_to: Id | None
    outcome: CaseOutcome | None
    recipients: Count
    drill: bool
    delayed: bool


class CasesAnswer(WireModel):
    """Open cases, oldest first: one's own, or for counselors all."""

    cases: list[CaseAnswer]


class CaseSealedAnswer(WireModel):
    """For the holder: what was released, and the boxes that this device can open."""

    sealed: CaseBytes
    boxes: list[CaseBoxBody]


class CaseOfferRequest(WireModel):
    account_id: Id


class CaseCloseRequest(WireModel):
    outcome: Literal["talked", "referred", "emergency", "not-needed", "not-reached"]


# --- On call --------------------------------------------------------------------------------------------

ContactKind = Literal["webhook", "ntfy", "email", "pagerduty", "goalert"]


class ContactRequest(WireModel):
    """A way to page oneself; a code is sent there. ``token``: what PagerDuty or GoAlert gave, else ``None``."""

    kind: ContactKind
    target: Annotated[str, Field(max_length=limits.CONTACT_TARGET_MAX_CHARS)]
    token: Annotated[str, Field(min_length=1, max_length=64)] | None


class ContactAnswer(WireModel):
    """``secret``: the key of a webhook's signature (Standard Webhooks), for who gave the contact alone."""

    contact: Count
    kind: ContactKind
    target: str
    verified: bool
    secret: Key | None


class ContactsAnswer(WireModel):
    contacts: list[ContactAnswer]
    on_duty: bool


class ContactConfirmRequest(WireModel):
    contact: Count
    code: Annotated[str, Field(pattern=r"^[0-9]{8}$", max_length=8)]


class ContactRemoveRequest(WireModel):
    contact: Count


class DutyRequest(WireModel):
    on: bool


class RotaGap(WireModel):
    """Nobody is on call in this tier meanwhile; everyone's tier still is."""

    tier: Count
    starts_at: Moment
    ends_at: Moment


class OnCallAnswer(WireModel):
    """For those with a role. ``reachable``: how many people could be paged now."""

    reachable: Count
    gaps: list[RotaGap]
    delayed: bool
