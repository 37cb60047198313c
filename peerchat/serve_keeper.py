"""``peerchat keeper``: a keeper in a process of its own, until it is told to stop.

It serves nobody. What it changes it tells the servers by hints, if they share a Redis; without one they find it by
their poll. It needs no Redis to do its work: a key that is due is destroyed whatever else is down.
"""

import asyncio
import os

from channels.layers import get_channel_layer
from django.conf import settings

from moderation.keeper import Keeper
from peerchat.config import Config
from peerchat.logging import event, log_loop_error
from peerchat.serve import STOP_SECONDS, end_at_the_latest, on_stop_signals, prepare_process
from rooms import announce
from rooms.hints import Hint
from rooms.relay import Teller


def run() -> int:
    """Keep until SIGTERM or SIGINT, with Django set up; return the process's status."""
    prepare_process()
    asyncio.run(_keep(settings.PEERCHAT))
    return 0


async def _keep(config: Config) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(log_loop_error)
    stop = asyncio.Event()
    on_stop_signals(loop, stop.set)
    layer = get_channel_layer()
    teller = Teller(layer) if layer is not None and config.redis_url is not None else None
    telling = asyncio.create_task(teller.run()) if teller is not None else None

    def heard(hint: Hint) -> None:
        if teller is not None:
            loop.call_soon_threadsafe(teller.tell, hint)

    # A supervisor starts another: nothing else gets a thread free that hangs.
    keeper = Keeper(hung=lambda: os._exit(1))
    with announce.heard_by(heard):
        keeper.start()
        event("keeper.started")
        await stop.wait()
        end_at_the_latest(3 * STOP_SECONDS)
        await asyncio.to_thread(keeper.stop, timeout_seconds=2 * STOP_SECONDS)
    if telling is not None:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    event("keeper.stopped")
