"""What answers where. The socket at ``/ws`` stands in ``asgi``."""

from django.urls import URLPattern, URLResolver, path, re_path

from moderation.api import router as moderation_router
from peerchat import health
from peerchat.accounts.api import router as accounts_router
from peerchat.http import api, nothing_here
from peerchat.resources import views
from rooms.api import router as rooms_router

api.add_router("", accounts_router)
api.add_router("", rooms_router)
api.add_router("", moderation_router)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home),
    path("help", views.help_lines),
    path("safety", views.safety),
    path("agreement", views.agreement),
    path("leave", views.leave),
    path("app", views.shell),
    path("join", views.shell),
    path("icon.svg", views.icon),
    re_path(r"^pages/[a-z0-9.]+$", views.asset),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("api/v1/", api.urls),
    # Whoever asks the interface for what is not there is a program: it gets the same answer as for what is not its own.
    re_path(r"^api/", lambda request: nothing_here()),
]

handler400 = views.malformed
handler404 = views.not_found
handler500 = views.broken
