"""The HTTP interface of accounts: docs/protocol.md, "Paths". Each call reads, asks one service, and answers."""

from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router
from pydantic import BeforeValidator, WithJsonSchema

from peerchat.accounts import account_logs, community, invites, key_packages, pins, roles, sign_in, sign_up
from peerchat.accounts.sessions import (
    DeviceAuth,
    OpenedSession,
    clear_cookie,
    device_of,
    end_session,
    set_cookie,
    token_in,
)
from peerchat.clock import now_ms, to_ms
from peerchat.protocol import http_bodies as bodies
from peerchat.protocol.types import Count
from peerchat.ratelimits import (
    COMMUNITY_ENTRIES,
    INVITE_LOOKS,
    INVITES_MADE,
    KEY_PACKAGE_UPLOADS,
    PIN_CHANGES,
    PIN_TRIES,
    limiter,
)

router = Router()
signed_in = DeviceAuth()


def _hash_from_hex(value: object) -> bytes:
    if not isinstance(value, str) or len(value) != 64 or set(value) - set("0123456789abcdef"):
        raise ValueError("64 lower-case hexadecimal digits expected")
    return bytes.fromhex(value)


InviteHash = Annotated[
    bytes,
    BeforeValidator(_hash_from_hex),
    WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"}),
]
After = Annotated[Count, Query()]


def _signed_in_answer(response: HttpResponse, opened: OpenedSession) -> bodies.SessionAnswer:
    set_cookie(response, opened)
    device = opened.session.device
    return bodies.SessionAnswer(
        account_id=device.account_id.bytes,
        device_id=device.id.bytes,
        ends_at=to_ms(opened.session.ends_at),
    )


DONE = bodies.DoneAnswer(done=True)


@router.get("community", response=bodies.CommunityAnswer)
def get_community(request: HttpRequest) -> bodies.CommunityAnswer:
    """What anyone may see."""
    found = community.the_community()
    return bodies.CommunityAnswer(
        root=bytes(found.root), name=found.name, demo=found.demo, languages=found.languages
    )


@router.get("community/log", response=bodies.LogAnswer)
def get_community_log(request: HttpRequest, after: After = 0) -> bodies.LogAnswer:
    """The community log from index ``after`` on, with the accounts that it names."""
    return bodies.LogAnswer(
        entries=community.entries_after(after),
        accounts=account_logs.logs_of(community.named_accounts(), with_profiles=False),
    )


@router.post("community/log", auth=signed_in, response=bodies.EntryAnswer)
def post_community_log(request: HttpRequest, body: bodies.CommunityEntryRequest) -> bodies.EntryAnswer:
    """A steward's ``certify`` or ``revoke``."""
    device = device_of(request)
    limiter.take(COMMUNITY_ENTRIES, device.account_id.bytes)
    return bodies.EntryAnswer(index=community.append_community_entry(signed=body.entry, author=device))


@router.post("invites/look", response=bodies.InviteLookAnswer)
def post_invite_look(request: HttpRequest, body: bodies.InviteLookRequest) -> bodies.InviteLookAnswer:
    """What a link stands for."""
    limiter.take(INVITE_LOOKS, body.invite_key)
    return invites.look_at_invite(invite_key=body.invite_key)


@router.get("invites", auth=signed_in, response=bodies.InvitesAnswer)
def get_invites(request: HttpRequest) -> bodies.InvitesAnswer:
    """One's own invites."""
    return bodies.InvitesAnswer(invites=invites.invites_of(account_id=device_of(request).account_id))


@router.post("invites", auth=signed_in, response=bodies.DoneAnswer)
def post_invite(request: HttpRequest, body: bodies.InviteRequest) -> bodies.DoneAnswer:
    """Make an invite."""
    device = device_of(request)
    limiter.take(INVITES_MADE, device.account_id.bytes)
    invites.create_invite(inviter=device, certificate=body.certificate)
    return DONE


@router.post("invites/{invite}/revoke", auth=signed_in, response=bodies.DoneAnswer)
def post_invite_revoke(request: HttpRequest, invite: Annotated[InviteHash, Path()]) -> bodies.DoneAnswer:
    """Take an unused invite back."""
    invites.revoke_invite(account_id=device_of(request).account_id, hash_=invite)
    return DONE


@router.get("candidates", auth=signed_in, response=bodies.CandidatesAnswer)
def get_candidates(request: HttpRequest) -> bodies.CandidatesAnswer:
    """For stewards: who came by an invite for a role."""
    return bodies.CandidatesAnswer(candidates=account_logs.candidates(asker=device_of(request).account_id))


@router.post("sign-up", response=bodies.SessionAnswer)
def post_sign_up(
    request: HttpRequest, response: HttpResponse, body: bodies.SignUpRequest
) -> bodies.SessionAnswer:
    """Turn an invite into an account, and sign its device in."""
    return _signed_in_answer(response, sign_up.sign_up(request=body))


@router.post("sign-in/challenge", response=bodies.ChallengeAnswer)
def post_challenge(request: HttpRequest, body: bodies.ChallengeRequest) -> bodies.ChallengeAnswer:
    """A nonce to sign; the same for a device that does not exist."""
    return sign_in.begin_sign_in(device_id=body.device_id)


@router.post("sign-in", response=bodies.SessionAnswer)
def post_sign_in(
    request: HttpRequest, response: HttpResponse, body: bodies.SignInRequest
) -> bodies.SessionAnswer:
    """Answer the challenge."""
    return _signed_in_answer(response, sign_in.sign_in(statement=body.statement))


@router.post("sign-out", response=bodies.DoneAnswer)
def post_sign_out(request: HttpRequest, response: HttpResponse) -> bodies.DoneAnswer:
    """End this session, if it still is one."""
    end_session(token=token_in(request.COOKIES))
    clear_cookie(response)
    return DONE


@router.post("exit", response=bodies.DoneAnswer)
def post_exit(request: HttpRequest, response: HttpResponse) -> bodies.DoneAnswer:
    """End this session on the way out. A beacon: the page that sent it is gone, and reads no answer."""
    end_session(token=token_in(request.COOKIES))
    clear_cookie(response)
    response["Clear-Site-Data"] = '"cache"'
    return DONE


@router.get("me", auth=signed_in, response=bodies.MeAnswer)
def get_me(request: HttpRequest) -> bodies.MeAnswer:
    """Who one is here, and what time it is."""
    device = device_of(request)
    account = device.account
    return bodies.MeAnswer(
        account_id=account.id.bytes,
        device_id=device.id.bytes,
        handle=account.handle or "",
        language=account.language,
        roles=sorted(roles.roles_now(account.id)),
        now=now_ms(),
    )


@router.post("accounts/logs", auth=signed_in, response=bodies.AccountLogsAnswer)
def post_account_logs(request: HttpRequest, body: bodies.AccountLogsRequest) -> bodies.AccountLogsAnswer:
    """The logs of accounts that one may see."""
    wanted = [UUID(bytes=account_id) for account_id in body.account_ids]
    asker = device_of(request).account_id
    return bodies.AccountLogsAnswer(accounts=account_logs.visible_logs(asker=asker, account_ids=wanted))


@router.post("device/key-packages", auth=signed_in, response=bodies.KeyPackagesAnswer)
def post_key_packages(request: HttpRequest, body: bodies.KeyPackagesRequest) -> bodies.KeyPackagesAnswer:
    """Add key packages of this device, or only ask how many are left."""
    device = device_of(request)
    limiter.take(KEY_PACKAGE_UPLOADS, device.id.bytes)
    left, used = key_packages.upload_key_packages(
        device=device, one_time=body.one_time, last_resort=body.last_resort
    )
    return bodies.KeyPackagesAnswer(one_time_left=left, last_resort_used=used)


@router.post("device/pin", auth=signed_in, response=bodies.PinAnswer)
def post_pin(request: HttpRequest, body: bodies.PinRequest) -> bodies.PinAnswer:
    """Set or change this device's PIN."""
    device = device_of(request)
    limiter.take(PIN_CHANGES, device.id.bytes)
    return bodies.PinAnswer(share=pins.set_pin(device=device, locator=body.locator, verifier=body.verifier))


@router.post("device/pin/unlock", response=bodies.PinAnswer)
def post_pin_unlock(request: HttpRequest, body: bodies.PinUnlockRequest) -> bodies.PinAnswer:
    """Get the share for the right PIN."""
    limiter.take(PIN_TRIES, body.locator)
    return bodies.PinAnswer(share=pins.unlock_pin(locator=body.locator, verifier=body.verifier))
