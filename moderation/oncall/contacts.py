"""The ways in which someone can be paged: given by themselves, and counted once a code that was sent there came back.

What was never seen to arrive would be a silent hole in the ladder.
"""

import re
import secrets
from hashlib import sha256

from django.conf import settings
from django.db import transaction

from moderation.escalation.terms import MINUTE_MS
from moderation.oncall import senders
from moderation.oncall.models import TARGET_MAX_CHARS, Contact, ContactKind, OffDuty
from moderation.oncall.senders import PAGERDUTY, Outgoing
from moderation.oncall.targets import TargetRefused, read_target
from peerchat import sodium
from peerchat.accounts import roles
from peerchat.accounts.models import Account, Device
from peerchat.clock import now_ms
from peerchat.errors import ErrorCode, PeerChatError, not_found

CONTACTS_MAX = 5
CODE_MS = 15 * MINUTE_MS
CODE_TRIES = 5
SECRET_BYTES = 32
_MAIL = re.compile(r"[^@\s<>,;:\"]+@[^@\s<>,;:\"]+\.[^@\s<>,;:\"]+")


def add_contact(*, device: Device, kind: str, target: str, token: str | None) -> Contact:
    """Keep the contact, unverified, and send a code there; the same one again only sends another code.

    ``token``: what PagerDuty or GoAlert gave; a webhook's key is made here. Blocks while the other side answers: some
    ``SECONDS_MAX`` of ``targets``, more where a name is slow to resolve. Raises
    ``session.not_allowed``, ``contact.refused`` (no place that a page may go to), ``contact.unreached`` (the code could
    not be sent; the contact stays, and the same call tries again), ``request.conflict`` past ``CONTACTS_MAX``.
    """
    if not roles.roles_now(device.account_id):
        raise PeerChatError(ErrorCode.NOT_ALLOWED, "Only those with a role are paged.", http_status=403)
    if kind == ContactKind.PAGERDUTY:
        target = target or PAGERDUTY
    _check(kind, target, token)
    code = f"{secrets.randbelow(10**8):08}"
    with transaction.atomic():
        contact = _kept(device, kind, target, token)
        contact.code_hash = _hash(contact, code)
        contact.code_until_ms = now_ms() + CODE_MS
        contact.code_tries_left = CODE_TRIES
        contact.save()
    # After the commit: a receiver that is slow must not hold a lock.
    if not senders.send(_code_for(contact, code), settings.PEERCHAT):
        raise PeerChatError(ErrorCode.CONTACT_UNREACHED, "The code could not be sent.", http_status=502)
    return contact


def confirm_contact(*, device: Device, contact_id: int, code: str) -> None:
    """Count the contact from now on. Raises ``contact.code_wrong``, also when the code's time or tries are over."""
    with transaction.atomic():
        contact = _own(device, contact_id, lock=True)
        right = _is_right(contact, code)
        if right:
            contact.verified_ms = contact.verified_ms or now_ms()
            contact.code_hash = contact.code_until_ms = None
        else:
            contact.code_tries_left = max(0, contact.code_tries_left - 1)
        contact.save()
    if not right:
        raise PeerChatError(ErrorCode.CONTACT_CODE_WRONG, "The code is wrong or too old.", http_status=409)


def remove_contact(*, device: Device, contact_id: int) -> None:
    """Forget the contact, with what waits to be sent there. One that is gone already is gone."""
    Contact.objects.filter(id=contact_id, account_id=device.account_id).delete()


def contacts_of(device: Device) -> list[Contact]:
    """Return one's own contacts."""
    return list(Contact.objects.filter(account_id=device.account_id).order_by("id"))


def set_duty(*, device: Device, on: bool) -> None:
    """Go on duty, or off it: whoever is off is not paged, whatever the rota says."""
    if on:
        OffDuty.objects.filter(account_id=device.account_id).delete()
    else:
        OffDuty.objects.get_or_create(account_id=device.account_id, defaults={"since_ms": now_ms()})


def is_on_duty(device: Device) -> bool:
    """Return whether the person is paged when the rota says so."""
    return not OffDuty.objects.filter(account_id=device.account_id).exists()


def _check(kind: str, target: str, token: str | None) -> None:
    refused = PeerChatError(ErrorCode.CONTACT_REFUSED, "Pages cannot go there.")
    needs_token = kind in (ContactKind.PAGERDUTY, ContactKind.GOALERT)
    if len(target) > TARGET_MAX_CHARS or needs_token != bool(token):
        raise refused
    if kind == ContactKind.EMAIL:
        if settings.PEERCHAT.smtp is None or not target.isascii() or not _MAIL.fullmatch(target):
            raise refused
        return
    try:
        read_target(target, allow_private=settings.PEERCHAT.page_private_targets)
    except TargetRefused:
        raise refused from None


def _kept(device: Device, kind: str, target: str, token: str | None) -> Contact:
    # The account's row is the lock: two requests at once must not pass the limit together.
    Account.objects.select_for_update().get(id=device.account_id)
    mine = Contact.objects.filter(account_id=device.account_id)
    found = mine.filter(kind=kind, target=target).first()
    if found is None and mine.count() >= CONTACTS_MAX:
        raise PeerChatError(ErrorCode.CONFLICT, "There are enough contacts.", http_status=409)
    contact = found or Contact(account_id=device.account_id, kind=kind, target=target)
    if token:
        contact.secret = token.encode()
    elif kind == ContactKind.WEBHOOK and contact.secret is None:
        contact.secret = sodium.random_bytes(SECRET_BYTES)
    contact.save()
    return contact


def _own(device: Device, contact_id: int, *, lock: bool) -> Contact:
    query = Contact.objects.select_for_update() if lock else Contact.objects.all()
    found = query.filter(id=contact_id, account_id=device.account_id).first()
    if found is None:
        raise not_found()
    return found


def _is_right(contact: Contact, code: str) -> bool:
    if contact.code_hash is None or contact.code_until_ms is None or not contact.code_tries_left:
        return False
    return contact.code_until_ms > now_ms() and sodium.equal(bytes(contact.code_hash), _hash(contact, code))


def _hash(contact: Contact, code: str) -> bytes:
    return sha256(f"peerchat/contact-code\x00{contact.id}\x00{code}".encode()).digest()


def _code_for(contact: Contact, code: str) -> Outgoing:
    return Outgoing(
        kind=contact.kind,
        target=contact.target,
        secret=None if contact.secret is None else bytes(contact.secret),
        message_id=f"code.{secrets.token_hex(8)}",
        case="",
        at_ms=now_ms(),
        code=code,
    )
