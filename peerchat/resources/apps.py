"""The Django app."""

from django.apps import AppConfig


class ResourcesConfig(AppConfig):
    name = "peerchat.resources"
    label = "resources"
    default_auto_field = "django.db.models.BigAutoField"
