"""Taking in a community that was founded elsewhere."""

from collections.abc import Iterable

from django.conf import settings
from django.db import transaction

from peerchat.accounts.community import load_genesis
from peerchat.accounts.invites import keep_first_invite
from peerchat.accounts.models import Community
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol.codec import decode_canonical
from peerchat.protocol.signed import GenesisBody, SignedEntry


def load_community(*, genesis: SignedEntry, name: str, languages: Iterable[str]) -> Community:
    """Make the community and its first steward's invite, in one transaction.

    Refuses a demo outside debug mode (``session.not_allowed``): its powers are handed out without a delay.
    Raises ``request.conflict`` when there is a community already, ``log.*`` for a genesis that is not whole.
    """
    with transaction.atomic():
        community = load_genesis(genesis=genesis, name=name, languages=languages)
        if community.demo and not settings.PEERCHAT.debug:
            raise PeerChatError(
                ErrorCode.NOT_ALLOWED, "A demo community needs PEERCHAT_DEBUG.", http_status=403
            )
        body = decode_canonical(GenesisBody, genesis.body or b"")
        keep_first_invite(invite_key=body.first_steward_invite)
    return community
