"""What the TypeScript matcher takes from here: the frozen tables and vocabularies, so that neither is written twice."""

import json

from moderation.crisis import tables
from moderation.crisis.vocabulary import CATEGORIES, WHERES


def tables_json() -> str:
    """The content of frontend/src/crisis/tables.json."""
    return (
        json.dumps(
            {
                "dropped": tables.DROPPED,
                "unfolded": tables.UNFOLDED,
                "word": tables.WORD_RANGES,
                "han": tables.HAN_RANGES,
                "replaced": tables.REPLACED,
                "leetLatin": tables.LEET_LATIN,
                "leetCyrillic": tables.LEET_CYRILLIC,
                "cyrillicAsLatin": tables.CYRILLIC_AS_LATIN,
                "greekAsLatin": tables.GREEK_AS_LATIN,
                "latinAsCyrillic": tables.LATIN_AS_CYRILLIC,
                "categories": CATEGORIES,
                "wheres": WHERES,
            },
            indent=1,
        )
        + "\n"
    )
