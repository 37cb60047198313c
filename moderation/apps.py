"""The Django app."""

from django.apps import AppConfig


class ModerationConfig(AppConfig):
    name = "moderation"
    label = "moderation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Bring the leaders' powers to the room's log."""
        from moderation import powers

        powers.register_powers()
