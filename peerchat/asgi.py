"""The ASGI application: HTTP by Django, the socket by ``rooms``, and the guard before both.

``peerchat serve`` starts it together with the loops that it needs (writer, hub, keeper). Another ASGI server
that loads it alone answers HTTP, and closes sockets with 4503.
"""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "peerchat.settings")
_django = get_asgi_application()

# Only now: models can be imported once Django is set up.
from channels.routing import ProtocolTypeRouter  # noqa: E402
from django.conf import settings  # noqa: E402

from peerchat.guard import Guard  # noqa: E402
from rooms.consumers import DeviceConsumer  # noqa: E402

application = Guard(
    ProtocolTypeRouter({"http": _django, "websocket": DeviceConsumer.as_asgi()}), config=settings.PEERCHAT
)
