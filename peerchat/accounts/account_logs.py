"""Accounts as others verify them, and who may see which."""

from collections.abc import Collection, Iterable
from uuid import UUID

from django.db.models import Prefetch

from peerchat.accounts import roles, seams
from peerchat.accounts.models import Account, AccountEntry, Certification, Invite
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol.http_bodies import AccountLog, Candidate
from peerchat.protocol.signed import InviteRole, Role, SignedEntry, SignedStatement


def logs_of(account_ids: Iterable[UUID], *, with_profiles: bool = True) -> list[AccountLog]:
    """Return the logs of those accounts that exist, by ascending id. Says nothing about who may see them."""
    accounts = (
        Account.objects.filter(id__in=set(account_ids))
        .prefetch_related(Prefetch("entries", queryset=AccountEntry.objects.order_by("index")))
        .order_by("id")
    )
    return [_log_of(account, with_profile=with_profiles) for account in accounts]


def visible_logs(*, asker: UUID, account_ids: Collection[UUID]) -> list[AccountLog]:
    """Return those of ``account_ids`` that ``asker`` may see: itself, the certified, who shares a room with it."""
    wanted = set(account_ids)
    certified = Certification.objects.filter(account_id__in=wanted).values_list("account_id", flat=True)
    visible = (wanted & {asker, *certified}) | seams.rooms().sharing_a_room(account_id=asker, others=wanted)
    return logs_of(visible & wanted)


def candidates(*, asker: UUID) -> list[Candidate]:
    """Return everyone whose invite named a role other than member. For stewards: else ``session.not_allowed``."""
    if Role.STEWARD not in roles.roles_now(asker):
        raise PeerChatError(ErrorCode.NOT_ALLOWED, "Only stewards may ask this.", http_status=403)
    invites = (
        Invite.objects.filter(used_by__isnull=False, used_by__forgotten_at__isnull=True)
        .exclude(role=InviteRole.MEMBER.value)
        .select_related("used_by")
        .order_by("used_at")
    )
    people = {invite.used_by_id: invite for invite in invites if invite.used_by_id is not None}
    logs = {UUID(bytes=log.account_id): log for log in logs_of(people)}
    return [
        Candidate(
            account=logs[account_id],
            invited_as=InviteRole(invite.role),
            acceptance=SignedStatement(
                body=bytes(invite.used_by.acceptance_body),
                signature=bytes(invite.used_by.acceptance_signature),
            ),
        )
        for account_id, invite in people.items()
        if account_id in logs and invite.used_by is not None
    ]


def _log_of(account: Account, *, with_profile: bool) -> AccountLog:
    profile = None
    if with_profile and account.profile_body is not None and account.profile_signature is not None:
        profile = SignedStatement(
            body=bytes(account.profile_body), signature=bytes(account.profile_signature)
        )
    return AccountLog(
        account_id=account.id.bytes,
        entries=[
            SignedEntry(
                entry=bytes(row.entry),
                body=None if row.body is None else bytes(row.body),
                signature=bytes(row.signature),
            )
            for row in account.entries.all()
        ],
        profile=profile,
    )
