"""The Django app."""

from django.apps import AppConfig


class ModerationConfig(AppConfig):
    name = "moderation"
    label = "moderation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Bring the leaders' powers to the room's log, and the keeper its duties."""
        from moderation import duties, powers

        powers.register_powers()
        duties.register_duties()
