"""Who may see and touch a case. Not there and not yours answer alike.

The one who raised it sees its status. Counselors see that it is there. Only its holder gets what was released.
"""

from uuid import UUID

from django.db.models import QuerySet

from moderation.escalation.models import Case
from peerchat.accounts import roles
from peerchat.accounts.models import Device
from peerchat.errors import ErrorCode, PeerChatError, not_found
from peerchat.protocol.signed import Role


def case_of(device: Device, case_id: UUID, *, lock: bool = False) -> Case:
    """Return a case that this person raised; ``lock`` takes its row's lock. Raises ``request.not_found``."""
    found = _cases(lock).filter(id=case_id, raiser_id=device.account_id).first()
    if found is None:
        raise not_found()
    return found


def case_for_counselor(device: Device, case_id: UUID, *, lock: bool = False) -> Case:
    """Return any case, for a certified counselor. Raises ``request.not_found`` for everyone else."""
    found = _cases(lock).filter(id=case_id).first() if is_counselor(device) else None
    if found is None:
        raise not_found()
    return found


def case_seen_by(device: Device, case_id: UUID) -> Case:
    """Return a case whose status this person may see."""
    found = Case.objects.filter(id=case_id).first()
    if found is None or not (found.raiser_id == device.account_id or is_counselor(device)):
        raise not_found()
    return found


def case_held_by(device: Device, case_id: UUID) -> Case:
    """Return the case for its holder; another counselor gets ``case.taken``."""
    found = case_for_counselor(device, case_id)
    if found.holder_id != device.account_id:
        raise PeerChatError(ErrorCode.CASE_TAKEN, "Only who took it reads it.", http_status=409)
    return found


def is_counselor(device: Device) -> bool:
    """Return whether the person is certified now."""
    return Role.COUNSELOR in roles.roles_now(device.account_id)


def _cases(lock: bool) -> QuerySet[Case]:
    return Case.objects.select_for_update() if lock else Case.objects.all()
