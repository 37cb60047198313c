"""Who is steward, leader or counselor: the community log's projection, asked."""

from uuid import UUID

from django.db.models import Q

from peerchat.accounts.models import Certification
from peerchat.clock import from_ms, now
from peerchat.protocol.signed import Role


def is_effective(account_id: UUID, role: Role, at_ms: int, head_index: int) -> bool:
    """Return whether the role counts at ``at_ms`` (UTC ms) by the community log up to and with ``head_index``."""
    return (
        Certification.objects.filter(
            account_id=account_id,
            role=role.value,
            entry_index__lte=head_index,
            effective_at__lte=from_ms(at_ms),
        )
        .filter(Q(revoked_index__isnull=True) | Q(revoked_index__gt=head_index))
        .exists()
    )


def roles_now(account_id: UUID) -> frozenset[Role]:
    """Return the roles that count now, by the whole log."""
    rows = Certification.objects.filter(
        account_id=account_id, effective_at__lte=now(), revoked_index__isnull=True
    )
    return frozenset(Role(role) for role in rows.values_list("role", flat=True))
