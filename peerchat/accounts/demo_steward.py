"""The steward of a demo community, played by this server: real keys and real log entries, kept in the open.

Whoever reads its file is a steward of the demo. So it works only where the community says ``demo`` in its
signed genesis and the deployment is in debug mode, which settings allow on a loopback origin alone. Clients
refuse a demo root in production.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction

from peerchat import sodium
from peerchat.accounts.community import append_community_entry, head, the_community
from peerchat.accounts.models import Account, Community, CommunityEntry, Device, Invite
from peerchat.clock import now_ms
from peerchat.protocol.signed import Action, Author, CertifyBody, InviteRole, LogKind, Role
from peerchat.signed_log import Place, make_entry, root_fingerprint


@dataclass(frozen=True, slots=True)
class DemoLink:
    """One of the printed invites: for whom, as what, and the seed that its link carries."""

    name: str
    role: str
    seed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class DemoFile:
    """What the demo must remember between starts. Seeds and ids are bytes."""

    account_id: bytes
    device_id: bytes
    identity_seed: bytes = field(repr=False)
    device_seed: bytes = field(repr=False)
    room_id: bytes
    links: tuple[DemoLink, ...]


def demo_path() -> Path:
    """Return where the demo's file is."""
    path: Path = settings.PEERCHAT.data_dir / "demo.json"
    return path


def read_demo() -> DemoFile | None:
    """Return the demo's file, or ``None`` where there is none."""
    try:
        stored = json.loads(demo_path().read_text("ascii"))
    except FileNotFoundError:
        return None
    links = tuple(
        DemoLink(name=link["name"], role=link["role"], seed=bytes.fromhex(link["seed"]))
        for link in stored.pop("links")
    )
    return DemoFile(links=links, **{name: bytes.fromhex(value) for name, value in stored.items()})


def write_demo(demo: DemoFile) -> None:
    """Write the demo's file whole, for its own user's eyes."""
    path = demo_path()
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(asdict(demo), default=bytes.hex), "ascii")
    fresh.replace(path)


def newcomer_signed_up(*, community: Community, invite: Invite) -> None:
    """In a demo, certify at once whoever accepted an invite for a role; called inside the sign-up's transaction.

    Anywhere else this does nothing. The entry goes the way of every entry, after the sign-up has committed.
    """
    if not (community.demo and settings.PEERCHAT.debug) or invite.role == InviteRole.MEMBER.value:
        return
    account_id, role = invite.used_by_id, Role(invite.role)
    demo = read_demo()
    if account_id is None or demo is None or account_id.bytes == demo.account_id:
        return
    transaction.on_commit(lambda: certify(demo, account_id=account_id, role=role), robust=True)


def certify(demo: DemoFile, *, account_id: UUID, role: Role) -> int:
    """Sign and append a ``certify`` by the demo's steward; return its index. Raises ``log.*``."""
    community = the_community()
    root = bytes(community.root)
    account = Account.objects.get(id=account_id)
    newest = CommunityEntry.objects.get(index=head().index)
    signed = make_entry(
        log=LogKind.COMMUNITY,
        log_id=root_fingerprint(root),
        place=Place(head=head(), at=newest.at_ms, community_index=0),
        community_head=None,
        author=Author(account_id=demo.account_id, device_id=demo.device_id),
        action=Action.CERTIFY,
        body=CertifyBody(
            salt=sodium.random_bytes(16),
            account_id=account.id.bytes,
            identity_key=bytes(account.identity_key),
            role=role,
        ),
        at=now_ms(),
        sign=lambda label, body: sodium.sign(seed=demo.device_seed, label=label, root=root, body=body),
    )
    return append_community_entry(signed=signed, author=Device.objects.get(id=UUID(bytes=demo.device_id)))
