"""The Django app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "peerchat.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
