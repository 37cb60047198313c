"""Signing up: an invite becomes an account, once.

Everything is checked to hang together before anything is written: the link's seed signed this identity, the
identity signed the profile, the account's log and the device. The server adds nothing of its own but the fact
that the invite was live.
"""

import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from django.db import IntegrityError, transaction

from peerchat import signed_log, sodium
from peerchat.accounts import account_log, demo_steward, invites, key_packages
from peerchat.accounts.account_log import AccountState
from peerchat.accounts.community import append_community_entry, holds, the_community
from peerchat.accounts.models import Account, AccountEntry, Community, Device, Invite
from peerchat.accounts.sessions import OpenedSession, open_session
from peerchat.clock import now, now_ms
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol.codec import decode_canonical
from peerchat.protocol.http_bodies import SignUpRequest
from peerchat.protocol.signed import (
    Action,
    ClaimBody,
    InviteAcceptance,
    Label,
    LogEntry,
    Profile,
    SignedEntry,
    SignedStatement,
)
from peerchat.ratelimits import SIGN_UPS_TRIED, limiter

SAME_AGAIN = timedelta(hours=1)
"""How long the same sign-up sent again opens a session: long enough for a lost answer, not for a found copy."""


@dataclass(frozen=True, slots=True)
class _Newcomer:
    """A sign-up whose parts were checked to belong together."""

    request: SignUpRequest
    acceptance: InviteAcceptance
    profile: Profile
    log: AccountState

    @property
    def account_id(self) -> UUID:
        return UUID(bytes=self.request.account_id)


def handle_key(handle: str) -> str:
    """Return what must be unique among handles: compatibility forms and case are one."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", handle).casefold())


def sign_up(*, request: SignUpRequest) -> OpenedSession:
    """Make the account and its first device; return a session for it.

    The same request again within an hour gives a fresh session for the same account. Locks the invite's row,
    and the community's for the first steward. Raises ``log.*`` for parts that do not belong together, then
    ``invite.unusable``, ``account.handle_taken``, ``request.conflict`` (an id or key that is taken).
    """
    community = the_community()
    newcomer = _check(request, root=bytes(community.root))
    limiter.take(SIGN_UPS_TRIED, newcomer.acceptance.invite_key)
    hash_ = invites.invite_hash(newcomer.acceptance.invite_key)
    try:
        with transaction.atomic():
            invite = Invite.objects.select_for_update().filter(invite_hash=hash_).first()
            if invite is not None and invite.used_by_id == newcomer.account_id:
                return open_session(device=_same_again(invite, request))
            if invite is None or not invites.live_invites().filter(id=invite.id).exists():
                raise invites.unusable()
            return open_session(device=_use(invite, newcomer, community))
    except IntegrityError:
        # Two at once with the same handle, id or key: the constraints let one in.
        raise _taken() from None


def _use(invite: Invite, newcomer: _Newcomer, community: Community) -> Device:
    """Turn the live, locked ``invite`` into an account; return its first device."""
    claim = newcomer.request.claim
    _check_claim(newcomer, is_first_steward=invite.certificate_body is None)
    _check_free(newcomer)
    device = _write(newcomer)
    invite.used_by_id, invite.used_at = newcomer.account_id, now()
    invite.save(update_fields=["used_by", "used_at"])
    if claim is not None:
        append_community_entry(signed=claim, author=None)
    demo_steward.newcomer_signed_up(community=community, invite=invite)
    return device


def _check(request: SignUpRequest, *, root: bytes) -> _Newcomer:
    """Return the newcomer, whose every part names the same account and identity; raise ``log.*``."""
    acceptance = decode_canonical(InviteAcceptance, request.acceptance.body)
    _check_statement(request.acceptance, Label.INVITE_ACCEPTANCE, key=acceptance.invite_key, root=root)
    log = account_log.replay(
        request.account_entries, root=root, account_id=request.account_id, verify=sodium.verify
    )
    if log is None or len(log.devices) != 1:
        signed_log.refuse(ErrorCode.BAD_ENTRY, "An account begins with open and one device.")
    profile = decode_canonical(Profile, request.profile.body)
    _check_statement(request.profile, Label.PROFILE, key=log.identity_key, root=root)
    if (acceptance.account_id, acceptance.identity_key) != (log.account_id, log.identity_key):
        signed_log.refuse(ErrorCode.BAD_ENTRY, "The invite was accepted for another identity.")
    if profile.account_id != log.account_id:
        signed_log.refuse(ErrorCode.BAD_ENTRY, "The profile is another account's.")
    for signed in request.account_entries:
        entry = decode_canonical(LogEntry, signed.entry)
        if entry.community_head is None or not holds(entry.community_head):
            signed_log.refuse(ErrorCode.BAD_ENTRY, "The community's log has no such head.")
    return _Newcomer(request=request, acceptance=acceptance, profile=profile, log=log)


def _check_statement(statement: SignedStatement, label: Label, *, key: bytes, root: bytes) -> None:
    if not sodium.verify(key=key, label=label, root=root, body=statement.body, signature=statement.signature):
        signed_log.refuse(ErrorCode.BAD_SIGNATURE, "A signature does not fit its statement.")


def _check_claim(newcomer: _Newcomer, *, is_first_steward: bool) -> None:
    """The first steward's claim comes along with the first steward's invite, and never else."""
    claim = newcomer.request.claim
    if (claim is not None) != is_first_steward:
        signed_log.refuse(ErrorCode.BAD_ENTRY, "The first steward alone claims.")
    if claim is None:
        return
    if claim.body is None or decode_canonical(LogEntry, claim.entry).action is not Action.CLAIM:
        signed_log.refuse(ErrorCode.BAD_ENTRY, "This is no claim.")
    body = decode_canonical(ClaimBody, claim.body)
    if (body.account_id, body.identity_key) != (newcomer.log.account_id, newcomer.log.identity_key):
        signed_log.refuse(ErrorCode.BAD_ENTRY, "The claim is for another identity.")


def _check_free(newcomer: _Newcomer) -> None:
    """Refuse what is taken with its own code; the constraints hold under a race, and answer ``request.conflict``."""
    (device_id,) = newcomer.log.devices
    device_key = newcomer.log.devices[device_id].device_key
    for entry in newcomer.request.account_entries:
        signed_log.check_clock(decode_canonical(LogEntry, entry.entry).at, now=now_ms())
    if (
        Account.objects.filter(id=newcomer.account_id).exists()
        or Account.objects.filter(identity_key=newcomer.log.identity_key).exists()
        or Device.objects.filter(id=UUID(bytes=device_id)).exists()
        or Device.objects.filter(device_key=device_key).exists()
    ):
        raise _taken()
    if Account.objects.filter(handle_key=handle_key(newcomer.profile.handle)).exists():
        raise PeerChatError(ErrorCode.HANDLE_TAKEN, "This handle is taken.", http_status=409)


def _taken() -> PeerChatError:
    return PeerChatError(ErrorCode.CONFLICT, "An id or a key is taken.", http_status=409)


def _write(newcomer: _Newcomer) -> Device:
    request, profile = newcomer.request, newcomer.profile
    account = Account.objects.create(
        id=newcomer.account_id,
        identity_key=newcomer.log.identity_key,
        handle=profile.handle,
        handle_key=handle_key(profile.handle),
        language=profile.language,
        profile_body=request.profile.body,
        profile_signature=request.profile.signature,
        acceptance_body=request.acceptance.body,
        acceptance_signature=request.acceptance.signature,
        sign_in_verifier_hash=sha256(request.sign_in_verifier).digest(),
        backup=request.backup,
        created_at=now(),
    )
    AccountEntry.objects.bulk_create(_row(account, signed) for signed in request.account_entries)
    (held,) = newcomer.log.devices.values()
    device = Device.objects.create(id=UUID(bytes=held.device_id), account=account, device_key=held.device_key)
    key_packages.upload_key_packages(
        device=device,
        one_time=request.key_packages.one_time,
        last_resort=request.key_packages.last_resort,
    )
    return device


def _row(account: Account, signed: SignedEntry) -> AccountEntry:
    entry = decode_canonical(LogEntry, signed.entry)
    return AccountEntry(
        account=account,
        index=entry.index,
        action=entry.action.value,
        entry=signed.entry,
        body=signed.body,
        signature=signed.signature,
        hash=signed_log.entry_hash(signed.entry, signed.signature),
        at_ms=entry.at,
    )


def _same_again(invite: Invite, request: SignUpRequest) -> Device:
    """Return the first device when ``request`` is what made this account; else the invite is used."""
    account = invite.used_by
    if account is None or invite.used_at is None or invite.used_at < now() - SAME_AGAIN:
        raise invites.unusable()
    kept = [bytes(entry.entry) + bytes(entry.signature) for entry in account.entries.order_by("index")[:2]]
    same = (
        bytes(account.acceptance_body) == request.acceptance.body
        and bytes(account.acceptance_signature) == request.acceptance.signature
        and account.profile_body is not None
        and bytes(account.profile_body) == request.profile.body
        and kept == [signed.entry + signed.signature for signed in request.account_entries]
        and account.backup is not None
        and bytes(account.backup) == request.backup
        and sodium.equal(bytes(account.sign_in_verifier_hash), sha256(request.sign_in_verifier).digest())
    )
    device = Device.objects.live().filter(account=account).first()
    if not same or device is None:
        raise invites.unusable()
    return device
