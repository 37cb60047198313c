"""People in an escalation: counselors with box keys and contacts, and a survivor who seals to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID, uuid4

from moderation.escalation import box_keys
from moderation.escalation.models import Case, CaseEntry, Page
from moderation.escalation.raise_case import raise_case
from moderation.oncall.models import Contact
from peerchat import sodium
from peerchat.accounts import community
from peerchat.accounts.new_account import sign_statement
from peerchat.clock import now_ms
from peerchat.protocol import limits
from peerchat.protocol.http_bodies import CaseBoxBody, CaseRaiseRequest
from peerchat.protocol.signed import BoxKeyStatement, InviteRole, Label, SignedStatement
from tests.support.people import Person, Village

WORDS = "he found out where I live and I do not know what to do"


@dataclass
class Counselor:
    """A certified counselor, whose box key the test holds."""

    person: Person
    private: bytes = field(default_factory=lambda: sodium.random_bytes(32), repr=False)

    @property
    def key(self) -> bytes:
        return sodium.box_public_key(private_key=self.private)

    @property
    def id(self) -> UUID:
        return self.person.account_id

    def statement(self, **change: object) -> SignedStatement:
        """The statement of this key, as the counselor's device signs it."""
        values = {
            "author": self.person.author,
            "box_key": self.key,
            "community_head": community.head(),
            "at": now_ms(),
            "ends_at": now_ms() + limits.BOX_KEY_LIFETIME_MS,
        }
        body = BoxKeyStatement.model_validate(values | change)
        return sign_statement(
            body, label=Label.BOX_KEY, root=self.person.root, seed=self.person.keys.device_seed
        )

    def publish(self, **change: object) -> None:
        box_keys.publish_box_key(device=self.person.device, statement=self.statement(**change))


def counselor(village: Village, name: str, *, contact: str | None = "http://127.0.0.1:9/page") -> Counselor:
    """Let a counselor come, publish a box key, and verify a contact."""
    who = Counselor(village.join(name, role=InviteRole.COUNSELOR))
    who.publish()
    if contact is not None:
        add_contact(who, contact)
    return who


def add_contact(who: Counselor, target: str, *, kind: str = "webhook", verified: bool = True) -> Contact:
    return Contact.objects.create(
        account_id=who.id,
        kind=kind,
        target=target,
        secret=sodium.random_bytes(32) if kind == "webhook" else None,
        verified_ms=now_ms() if verified else None,
    )


def raise_request(recipients: list[Counselor], *, case_id: UUID | None = None) -> CaseRaiseRequest:
    """What a survivor's client sends: words under a content key, that key sealed to each recipient."""
    content_key = sodium.random_bytes(32)
    return CaseRaiseRequest(
        case_id=(case_id or uuid4()).bytes,
        sealed=sodium.wrap(key=content_key, plaintext=WORDS.encode(), associated=b"case"),
        boxes=[
            CaseBoxBody(box_key=one.key, sealed=sodium.seal(recipient=one.key, plaintext=content_key))
            for one in recipients
        ],
        for_other=False,
        drill=False,
    )


def ask(person: Person, request: CaseRaiseRequest) -> Case:
    return raise_case(
        device=person.device,
        case_id=UUID(bytes=request.case_id),
        sealed=request.sealed,
        boxes=request.boxes,
        for_other=request.for_other,
        drill=request.drill,
    )


def notes(case: Case) -> list[str]:
    return list(CaseEntry.objects.filter(case=case).order_by("index").values_list("note", flat=True))


def waiting_pages(case: Case) -> set[UUID]:
    """Whose pages are to be sent."""
    return set(Page.objects.filter(case=case, state="waiting").values_list("contact__account_id", flat=True))
