"""The chat of the Channels tutorial (part 3, asynchronous), without its pages: ``daphne bench.tutorial:application``.

A consumer for each socket, ``group_send`` for each message, JSON, the in-memory layer, no storage and no sign-in.
"""

import json
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter
from django.conf import settings

if not settings.configured:
    settings.configure(
        CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}, SECRET_KEY="bench"
    )


class ChatConsumer(AsyncWebsocketConsumer):
    """One socket."""

    async def connect(self) -> None:
        """Join the room that the path names."""
        self.room_group_name = "chat_" + self.scope["path"].strip("/")
        await self.channel_layer.group_add(self.room_group_name, self.channel_name)
        await self.accept()

    async def disconnect(self, close_code: int) -> None:
        """Leave it."""
        await self.channel_layer.group_discard(self.room_group_name, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Hand a message to the group."""
        message = json.loads(text_data or "{}")["message"]
        await self.channel_layer.group_send(
            self.room_group_name, {"type": "chat.message", "message": message}
        )

    async def chat_message(self, event: dict[str, Any]) -> None:
        """Send it on."""
        await self.send(text_data=json.dumps({"message": event["message"]}))


application = ProtocolTypeRouter({"websocket": ChatConsumer.as_asgi()})
