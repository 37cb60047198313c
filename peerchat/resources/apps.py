"""The Django app."""

from django.apps import AppConfig


class ResourcesConfig(AppConfig):
    name = "peerchat.resources"
    label = "resources"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Stop the start when a data file is wrong: nobody in need may be the one to find out."""
        from peerchat.resources.hotlines import hotlines

        hotlines()
