"""How one page leaves: as a signed webhook, an ntfy message, or an e-mail. Each holds a case's id, and nothing else.

A webhook follows Standard Webhooks 1.0 (https://www.standardwebhooks.com): ``webhook-id`` is the same for each try of a
page, so that the receiver can drop what it has; ``webhook-signature`` is HMAC-SHA256 over id, time and body.
PagerDuty (Events API v2) and GoAlert (generic API) are told in their own shapes; their token is the contact's secret.
"""

import base64
import hashlib
import hmac
import http.client
import json
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from urllib.parse import quote

from moderation.oncall.targets import SECONDS_MAX, TargetRefused, post, read_target
from peerchat.config import Config, Relay

PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One page, or a code to be returned, on its way to one contact. ``message_id`` stays the same for each try."""

    kind: str
    target: str = field(repr=False)
    secret: bytes | None = field(repr=False)
    message_id: str
    case: str
    at_ms: int
    drill: bool = False
    code: str | None = field(default=None, repr=False)

    @property
    def summary(self) -> str:
        """What a person reads on a locked phone."""
        if self.code is not None:
            return f"Your code is {self.code}"
        name = self.case[:4].upper()
        return f"Drill {name} needs attention" if self.drill else f"Case {name} needs attention"


def send(page: Outgoing, config: Config) -> bool:
    """Send it; return whether the other side took it. Raises nothing but programming errors."""
    try:
        return _SENDERS[page.kind](page, config)
    except (TargetRefused, OSError, http.client.HTTPException, smtplib.SMTPException, ssl.SSLError):
        # What went wrong could name the address: only that it did is told.
        return False


def sign_webhook(*, secret: bytes, message_id: str, at_seconds: int, body: bytes) -> str:
    """Return the value of ``webhook-signature``."""
    signed = f"{message_id}.{at_seconds}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()


def _webhook(page: Outgoing, config: Config) -> bool:
    if page.secret is None:
        return False
    kind = "contact.code" if page.code is not None else "case.page"
    data: dict[str, str | bool] = (
        {"code": page.code} if page.code else {"case": page.case, "drill": page.drill}
    )
    body = json.dumps({"type": kind, "data": data}).encode()
    seconds = page.at_ms // 1000
    signature = sign_webhook(secret=page.secret, message_id=page.message_id, at_seconds=seconds, body=body)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": page.message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": signature,
    }
    return _post(page.target, body, headers, config)


def _ntfy(page: Outgoing, config: Config) -> bool:
    return _post(page.target, page.summary.encode(), {"Content-Type": "text/plain", "Priority": "5"}, config)


def _pagerduty(page: Outgoing, config: Config) -> bool:
    event = {
        "routing_key": (page.secret or b"").decode(),
        "event_action": "trigger",
        "dedup_key": page.case or page.message_id,
        "payload": {"summary": page.summary, "source": "notes", "severity": "critical"},
    }
    return _post(page.target or PAGERDUTY, json.dumps(event).encode(), _JSON, config)


def _goalert(page: Outgoing, config: Config) -> bool:
    alert = {"summary": page.summary, "dedup": page.case or page.message_id}
    url = f"{page.target.rstrip('/')}/api/v2/generic/incoming?token={quote((page.secret or b'').decode())}"
    return _post(url, json.dumps(alert).encode(), _JSON, config)


_JSON = {"Content-Type": "application/json"}


def _post(url: str, body: bytes, headers: dict[str, str], config: Config) -> bool:
    private = config.page_private_targets
    status = post(read_target(url, allow_private=private), body, headers, allow_private=private)
    # A redirect is no delivery: following it would lead past the check of the address.
    return 200 <= status < 300


def _email(page: Outgoing, config: Config) -> bool:
    if config.smtp is None:
        return False
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = config.smtp.sender, page.target, page.summary
    message["Message-ID"] = f"<{page.message_id}@{config.smtp.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(f"{page.summary}.\n\n{config.origin}/app\n")
    relay = _relay(config.smtp)
    # A time-out counts for each byte that comes, and a conversation has many.
    cut = threading.Timer(SECONDS_MAX, _cut, [relay])
    cut.daemon = True
    cut.start()
    try:
        with relay:
            if config.smtp.tls == "starttls":
                relay.starttls(context=ssl.create_default_context())
            if config.smtp.user:
                relay.login(config.smtp.user, config.smtp.password)
            return not relay.send_message(message)
    finally:
        cut.cancel()


def _relay(smtp: Relay) -> smtplib.SMTP:
    # A name of our own: the default would look this machine's up and tell it.
    if smtp.tls == "implicit":
        tls = ssl.create_default_context()
        return smtplib.SMTP_SSL(smtp.host, smtp.port, "localhost", timeout=SECONDS_MAX, context=tls)
    return smtplib.SMTP(smtp.host, smtp.port, "localhost", timeout=SECONDS_MAX)


def _cut(relay: smtplib.SMTP) -> None:
    if relay.sock is not None:
        with suppress(OSError):
            relay.sock.shutdown(socket.SHUT_RDWR)


_SENDERS: dict[str, Callable[[Outgoing, Config], bool]] = {
    "webhook": _webhook,
    "ntfy": _ntfy,
    "email": _email,
    "pagerduty": _pagerduty,
    "goalert": _goalert,
}
