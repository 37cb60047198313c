"""The only way for mark-up from a data file into a page."""

from django import template
from django.utils.safestring import SafeString, mark_safe

from peerchat.sanitize import clean_markup

register = template.Library()


@register.filter
def cleaned(text: str) -> SafeString:
    """Return ``text`` with the allowed mark-up alone."""
    return mark_safe(clean_markup(text))  # noqa: S308 - cleaned twice, by two libraries
