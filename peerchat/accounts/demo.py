"""Makes the demo community: its steward, a room to be opened, and one invite for each person who tries it.

Everything goes through the same services as HTTP, with real keys. Only the people's own identities are
missing: those are made in their browsers, from the links. The room does not exist either until the leader's
browser opens it under the id that all invites name, since its group needs a device that is in it.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from peerchat import sodium
from peerchat.accounts.community import head, the_community
from peerchat.accounts.demo_steward import DemoFile, DemoLink, read_demo, write_demo
from peerchat.accounts.founding import found_community, invite_link
from peerchat.accounts.invites import create_invite, invite_hash, live_invites
from peerchat.accounts.loading import load_community
from peerchat.accounts.models import Community, Device, Invite
from peerchat.accounts.new_account import claim_first, draft_sign_up, new_account, sign_statement
from peerchat.accounts.sign_up import sign_up
from peerchat.clock import now, now_ms, to_ms
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol.signed import Author, InviteCertificate, InviteRole, Label
from peerchat.signed_log import Place

NAME = "Demo community"
STEWARD_HANDLE = "Demo steward"
INVITE_LIFETIME = timedelta(days=14)
PEOPLE = (
    ("steward", InviteRole.STEWARD),
    ("leader", InviteRole.LEADER),
    ("survivor 1", InviteRole.MEMBER),
    ("survivor 2", InviteRole.MEMBER),
    ("counselor", InviteRole.COUNSELOR),
)
# The leader opens this room, the survivors ask to be let in; the others have no room of their own.
_WITH_ROOM = frozenset({InviteRole.LEADER, InviteRole.MEMBER})


@dataclass(frozen=True, slots=True)
class PrintedLink:
    """A link to print: for whom, and whether somebody has used it."""

    name: str
    link: str = field(repr=False)
    used: bool


def ensure_demo() -> list[PrintedLink]:
    """Make what is missing of the demo and return its links; those that ran out unused are made anew.

    Raises ``session.not_allowed`` outside debug mode, and where the community is a real one.
    """
    if not settings.PEERCHAT.debug:
        raise _refused("The demo needs PEERCHAT_DEBUG=1.")
    community = Community.objects.first()
    demo = read_demo()
    if community is None:
        demo = _found()
        community = the_community()
    if not community.demo or demo is None:
        raise _refused("There is a community here that is not this demo's.")
    demo = replace(demo, links=tuple(_live(demo, link) for link in demo.links))
    write_demo(demo)
    return [_printed(link, community) for link in demo.links]


def _found() -> DemoFile:
    """Found the demo, and let its own steward claim it; all of it or nothing."""
    with transaction.atomic():
        demo = _found_and_claim()
        # Before the commit: a file without a community is made anew, a community without its file could not be.
        write_demo(demo)
    return demo


def _found_and_claim() -> DemoFile:
    founded = found_community(name=NAME, demo=True, at=now_ms())
    load_community(genesis=founded.genesis, name=founded.name, languages=founded.languages)
    account, at = new_account(), now_ms()
    genesis = Place(head=head(), at=at, community_index=0)
    claim = claim_first(
        account, root=founded.root, invite_seed=founded.first_invite_seed, genesis=genesis, at=at
    )
    sign_up(
        request=draft_sign_up(
            account,
            root=founded.root,
            invite_seed=founded.first_invite_seed,
            handle=STEWARD_HANDLE,
            language="en",
            community_head=head(),
            claim=claim,
            at=at,
        )
    )
    return DemoFile(
        account_id=account.account_id,
        device_id=account.device_id,
        identity_seed=account.identity_seed,
        device_seed=account.device_seed,
        room_id=sodium.random_bytes(16),
        links=tuple(
            DemoLink(name=name, role=role.value, seed=sodium.random_bytes(32)) for name, role in PEOPLE
        ),
    )


def _live(demo: DemoFile, link: DemoLink) -> DemoLink:
    """Return ``link`` if its invite is used or can be; else make an invite, for it or for one with a fresh seed."""
    known = Invite.objects.filter(invite_hash=_hash(link)).first()
    if known is not None:
        if known.used_at is not None or live_invites().filter(id=known.id).exists():
            return link
        link = replace(link, seed=sodium.random_bytes(32))
    role = InviteRole(link.role)
    certificate = sign_statement(
        InviteCertificate(
            invite_key=sodium.public_key(seed=link.seed),
            role=role,
            room_id=demo.room_id if role in _WITH_ROOM else None,
            inviter=Author(account_id=demo.account_id, device_id=demo.device_id),
            expires_at=to_ms(now() + INVITE_LIFETIME),
        ),
        label=Label.INVITE,
        root=bytes(the_community().root),
        seed=demo.device_seed,
    )
    create_invite(inviter=Device.objects.get(id=UUID(bytes=demo.device_id)), certificate=certificate)
    return link


def _printed(link: DemoLink, community: Community) -> PrintedLink:
    invite = Invite.objects.get(invite_hash=_hash(link))
    address = invite_link(origin=str(settings.PEERCHAT.origin), root=bytes(community.root), seed=link.seed)
    return PrintedLink(name=link.name, link=address, used=invite.used_at is not None)


def _hash(link: DemoLink) -> bytes:
    return invite_hash(sodium.public_key(seed=link.seed))


def _refused(message: str) -> PeerChatError:
    return PeerChatError(ErrorCode.NOT_ALLOWED, message, http_status=403)
