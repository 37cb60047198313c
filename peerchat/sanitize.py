"""Cleans the few texts with mark-up that the server itself shows: entries of the help directory, agreements.

Never messages: those are text nodes in the browser, and the server cannot read them. Two libraries of different
make go one after the other, since a text must fool both parsers (docs/adr): bleach, and nh3 behind it, which stays
when bleach, unmaintained since 2023, has to go.
"""

import bleach
import nh3

TAGS = frozenset({"a", "em", "li", "ol", "p", "strong", "ul"})
LINKS = frozenset({"https", "sms", "tel"})
_TEXT_MAX_CHARS = 20_000


def clean_markup(text: str) -> str:
    """Return ``text`` as HTML with the allowed tags alone; what else looked like mark-up is taken out.

    Links keep ``href`` where it is https, a telephone number or a text number. Raises ``ValueError`` above 20,000
    characters: cleaning takes time that grows with the length.
    """
    if len(text) > _TEXT_MAX_CHARS:
        raise ValueError("too long to be cleaned")
    once = bleach.clean(text, tags=TAGS, attributes={"a": ["href"]}, protocols=LINKS, strip=True)
    return nh3.clean(
        once,
        tags=set(TAGS),
        attributes={"a": {"href"}},
        url_schemes=set(LINKS),
        link_rel="noreferrer nofollow",
        # An address without a scheme leads to another host as easily ("//host"), and both libraries let it pass.
        url_relative="deny",
    )


def plain_text(text: str) -> str:
    """Return ``text`` escaped, without any tag; for places where only words belong."""
    return nh3.clean(bleach.clean(text, tags=frozenset(), strip=True), tags=set())
