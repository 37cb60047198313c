"""Who can be paged now, tier by tier: the rota at one moment, turned into verified contacts.

The last tier is everyone: each certified counselor who is on duty. Nobody is on the ladder whose certification is not
in effect, who is off duty, or who has no verified contact: they could not answer.
"""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q

from moderation.escalation.terms import Ladder
from moderation.oncall import rota
from moderation.oncall.models import Contact, OffDuty
from moderation.oncall.stored_rota import load_rota
from peerchat.accounts.models import Certification
from peerchat.clock import from_ms
from peerchat.protocol.signed import Role


def ladder_at(now: int) -> Ladder:
    """Return the contacts that can be tried at ``now`` (UTC ms), by tier; empty tiers keep their place."""
    counselors = counselors_at(now) - set(OffDuty.objects.values_list("account_id", flat=True))
    contacts: dict[UUID, list[int]] = {}
    rows = Contact.objects.filter(account_id__in=counselors, verified_ms__isnull=False).order_by("id")
    for account_id, contact_id in rows.values_list("account_id", "id"):
        contacts.setdefault(account_id, []).append(contact_id)

    def reach(people: Iterable[UUID]) -> tuple[int, ...]:
        return tuple(contact for person in people for contact in contacts.get(person, ()))

    tiers = rota.on_call(load_rota(around=now), now)
    return (*(reach(people) for people in tiers), reach(sorted(contacts)))


def counselors_at(now: int) -> set[UUID]:
    """Return the accounts whose certification as counselor is in effect at ``now`` (UTC ms)."""
    rows = Certification.objects.filter(
        Q(revoked_index__isnull=True),
        role=Role.COUNSELOR.value,
        effective_at__lte=from_ms(now),
        account__forgotten_at__isnull=True,
    )
    return set(rows.values_list("account_id", flat=True))


def contacts_of(person: UUID) -> tuple[int, ...]:
    """Return the verified contacts of one person."""
    rows = Contact.objects.filter(account_id=person, verified_ms__isnull=False).order_by("id")
    return tuple(rows.values_list("id", flat=True))
