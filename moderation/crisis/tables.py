"""Frozen tables for folding: what is dropped, and what stands for what. TypeScript gets them from here.

They are data, kept apart from any Unicode version, so that an old phone and a new server fold alike.
Sources: Unicode 14 (blocks and general categories), UTS 39's confusables (the few letters that people use), and
spellings that people use to get past word filters.
"""

# Inclusive ranges of code points that folding drops: combining marks that only colour a letter, and what is invisible.
# Devanagari's vowel signs and virama stay: without them words fall together.
DROPPED: tuple[tuple[int, int], ...] = (
    (0x00AD, 0x00AD),
    (0x0300, 0x036F),
    (0x0483, 0x0489),
    (0x0591, 0x05BD),
    (0x05BF, 0x05BF),
    (0x05C1, 0x05C2),
    (0x05C4, 0x05C5),
    (0x05C7, 0x05C7),
    (0x0610, 0x061A),
    (0x061C, 0x061C),
    (0x0640, 0x0640),
    (0x064B, 0x065F),
    (0x0670, 0x0670),
    (0x06D6, 0x06DC),
    (0x06DF, 0x06E4),
    (0x06E7, 0x06E8),
    (0x06EA, 0x06ED),
    (0x0900, 0x0903),
    (0x093C, 0x093C),
    (0x0951, 0x0957),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x20D0, 0x20FF),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFE20, 0xFE2F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF9, 0xFFFB),
    (0x1D173, 0x1D17A),
    (0x1F3FB, 0x1F3FF),
    (0xE0000, 0xE0FFF),
)

# Inclusive ranges of code points that stay as they are: what Unicode 14 did not know yet, so that an older and a newer
# library fold alike, and above U+FFFF all but letters in mathematical, enclosed and compatibility forms.
UNFOLDED: tuple[tuple[int, int], ...] = (
    (0x1C89, 0x1C8A),
    (0xA7CB, 0xA7CF),
    (0xA7D2, 0xA7D2),
    (0xA7D4, 0xA7D4),
    (0xA7DA, 0xA7F1),
    (0x10000, 0x1D3FF),
    (0x1D800, 0x1EDFF),
    (0x1EF00, 0x1F0FF),
    (0x1F300, 0x2F7FF),
    (0x2FA20, 0x10FFFF),
)

# Inclusive ranges of code points, after folding, that make words. All else separates. None is above U+FFFF, so that a
# word has as many letters in TypeScript as in Python.
WORD_RANGES: tuple[tuple[int, int], ...] = (
    (0x30, 0x39),
    (0x61, 0x7A),
    (0xDF, 0xF6),
    (0xF8, 0x02AF),
    (0x0370, 0x0373),
    (0x0376, 0x0377),
    (0x037B, 0x037D),
    (0x037F, 0x0386),
    (0x0388, 0x0481),
    (0x048A, 0x0559),
    (0x0560, 0x0588),
    (0x05D0, 0x05F2),
    (0x0620, 0x0669),
    (0x066E, 0x06D3),
    (0x06D5, 0x06DC),
    (0x06EE, 0x06FC),
    (0x06FF, 0x06FF),
    (0x0710, 0x0963),
    (0x0966, 0x096F),
    (0x0971, 0x166C),
    (0x166F, 0x1FFF),
    (0x2C00, 0x2DFF),
    (0x3040, 0x318F),
    (0x31F0, 0x31FF),
    (0xA000, 0xD7FF),
    (0xFB00, 0xFDCF),
    (0xFDF0, 0xFDFF),
    (0xFE70, 0xFEFC),
)

# Each of these is a word of its own: they are written without spaces.
HAN_RANGES: tuple[tuple[int, int], ...] = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF))


def _run(first: int, last: int, letters: str) -> dict[str, str]:
    return {chr(first + place): letters[place] for place in range(last - first + 1)}


_ALPHABET = "abcdefghijklmnopqrstuvwxyz"

# Single code points, before decomposition. A value may be longer; a word between spaces stands for an emoji.
REPLACED: dict[str, str] = {
    # Apostrophes and quotation marks.
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\u02b9\u02bb\u2032\u00b4`\uff07\u05f3", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033\uff02\u300c\u300d\u300e\u300f\u05f4", '"'),
    # Ends of clauses and sentences.
    **dict.fromkeys("\u3002\u0964\u0965\u06d4\uff61", "."),
    **dict.fromkeys("\u061f\u037e", "?"),
    **dict.fromkeys("\u060c\u3001\uff64", ","),
    "\u061b": ";",
    "\u2026": "...",
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\u05be", "-"),
    # Letters that do not decompose.
    "ø": "o",
    "Ø": "o",
    "ł": "l",
    "Ł": "l",
    "đ": "d",
    "Đ": "d",
    "ð": "d",
    "Ð": "d",
    "þ": "th",
    "Þ": "th",
    "ß": "ss",
    "ẞ": "ss",
    "æ": "ae",
    "Æ": "ae",
    "œ": "oe",
    "Œ": "oe",
    "ı": "i",
    "ə": "e",
    "ɡ": "g",
    **dict(zip("ᴀʙᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdeghijklmnoprstuvwyz", strict=True)),
    # Letters in squares and circles, and the flags' letters.
    **_run(0x1F150, 0x1F169, _ALPHABET),
    **_run(0x1F170, 0x1F189, _ALPHABET),
    **_run(0x1F1E6, 0x1F1FF, _ALPHABET),
    # Arabic letters that keyboards and habits exchange.
    "ى": "ي",
    "ی": "ي",
    "ې": "ي",
    "ک": "ك",
    "ة": "ه",
    "ہ": "ه",
    "ھ": "ه",
    "ە": "ه",
    "ٱ": "ا",
    "گ": "ك",
    "پ": "ب",
    # Digits.
    **_run(0x0660, 0x0669, "0123456789"),
    **_run(0x06F0, 0x06F9, "0123456789"),
    **_run(0x0966, 0x096F, "0123456789"),
    # Emoji that carry meaning here. A word of ours ends in "emoji", so that no written word is taken for it.
    "💊": " pillemoji ",
    "🔪": " knifeemoji ",
    "🗡": " knifeemoji ",
    "🩸": " bloodemoji ",
    "🔫": " gunemoji ",
    "💀": " skullemoji ",
    "☠": " skullemoji ",
    "⚰": " coffinemoji ",
    "🪦": " coffinemoji ",
    "🪢": " ropeemoji ",
    **dict.fromkeys("😂🤣😆😹😅", " laughemoji "),
    "🆘": " sosemoji ",
}

# Signs that stand for Latin letters, each with one or two readings.
LEET_LATIN: dict[str, str] = {
    "0": "o",
    "1": "il",
    "3": "e",
    "4": "a",
    "5": "s",
    "6": "g",
    "7": "t",
    "8": "b",
    "9": "g",
    "@": "a",
    "$": "s",
    "!": "il",
    "|": "il",
    "+": "t",
}
LEET_CYRILLIC: dict[str, str] = {
    "0": "о",
    "1": "и",
    "3": "ез",
    "4": "ча",
    "6": "б",
    "8": "в",
    "9": "я",
    "@": "а",
    "$": "с",
    "!": "и",
}

# Look-alikes, used only inside words that mix two scripts.
CYRILLIC_AS_LATIN: dict[str, str] = {
    "а": "a",
    "в": "b",
    "г": "r",
    "е": "e",
    "и": "u",
    "і": "i",
    "к": "k",
    "м": "m",
    "н": "h",
    "о": "o",
    "п": "n",
    "р": "p",
    "с": "c",
    "т": "t",
    "у": "y",
    "х": "x",
    "ц": "u",
    "ѕ": "s",
    "ј": "j",
    "һ": "h",
    "ԁ": "d",
    "ԛ": "q",
    "ԝ": "w",
    "ь": "b",
}
GREEK_AS_LATIN: dict[str, str] = {
    "α": "a",
    "β": "b",
    "γ": "y",
    "ε": "e",
    "η": "n",
    "ι": "i",
    "κ": "k",
    "μ": "u",
    "ν": "v",
    "ο": "o",
    "π": "n",
    "ρ": "p",
    "σ": "o",
    "τ": "t",
    "υ": "u",
    "χ": "x",
    "ω": "w",
}
LATIN_AS_CYRILLIC: dict[str, str] = {
    "a": "а",
    "b": "в",
    "c": "с",
    "e": "е",
    "h": "н",
    "i": "и",
    "k": "к",
    "m": "м",
    "n": "п",
    "o": "о",
    "p": "р",
    "r": "г",
    "t": "т",
    "u": "и",
    "x": "х",
    "y": "у",
}
