"""Maps ``config`` to Django's names. It reads nothing itself.

Deliberately absent: ``contrib.auth`` and ``contrib.sessions`` (docs/adr), ``contrib.admin`` (stewards have the app),
CSRF tokens (every write needs the right ``Origin``), the SMTP mailer.
"""

from typing import Any

from peerchat.config import load
from peerchat.databases import database
from peerchat.layers import channel_layer
from peerchat.protocol import limits

PEERCHAT = load()

# Never on, not even with PEERCHAT_DEBUG: it keeps every query with its values in memory, and its error pages show
# the locals of each frame. Code that asks for debug mode asks ``settings.PEERCHAT.debug``.
DEBUG = False
SECRET_KEY = PEERCHAT.secret_key
# Nothing here builds an address from the Host header; what matters is checked against the full origin.
ALLOWED_HOSTS = ["*"]

ROOT_URLCONF = "peerchat.urls"
ASGI_APPLICATION = "peerchat.asgi.application"
INSTALLED_APPS = ["peerchat.accounts", "peerchat.resources", "rooms", "moderation"]
AUTH_USER_MODEL = "accounts.Account"
# Headers, limits and the origin are checked in ``guard``, before Django: they hold for its own refusals too.
MIDDLEWARE = ["whitenoise.middleware.WhiteNoiseMiddleware"]

# Vite's files keep the names that Vite gave them; nothing is collected, and nothing else is served from the disk.
_ASSETS = PEERCHAT.shell_dir / "assets"
STATIC_URL = "/assets/"
STATIC_ROOT = str(_ASSETS) if _ASSETS.is_dir() else None
WHITENOISE_USE_FINDERS = False
WHITENOISE_AUTOREFRESH = False
WHITENOISE_ALLOW_ALL_ORIGINS = False
# "index-C3f_9xQz.js": Vite's hash has 8 characters. The default would keep files for 60 s, and break the repeat visit.
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/assets/[^/]+-[A-Za-z0-9_-]{8}\.[a-z0-9]+$"

DATABASES: dict[str, dict[str, Any]] = {
    "default": database(PEERCHAT.database_url, test_file=PEERCHAT.data_dir / "test.sqlite3")
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CHANNEL_LAYERS = {"default": channel_layer(PEERCHAT.redis_url)}

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": []},
    }
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

LOGGING_CONFIG = "peerchat.logging.configure"
LOGGING = {"level": "INFO"}

# ``guard`` refuses larger bodies before they are read; this is for what comes past it (the test client).
DATA_UPLOAD_MAX_MEMORY_SIZE = limits.BODY_MAX_BYTES
