"""The Django app."""

from django.apps import AppConfig


class RoomsConfig(AppConfig):
    name = "rooms"
    label = "rooms"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Answer what accounts asks, and bring what can be appended to a room's log."""
        from peerchat.accounts import seams
        from rooms import answers, deeds

        seams.register_rooms(answers.Rooms())
        deeds.register_deeds()
