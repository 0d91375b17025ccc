"""Titles and order out of file names. Pure."""

import re
import unicodedata

# A number in front of the words: "01 - ", "3. ", "12_". A number alone is kept: it is all we have.
_NUMBER = re.compile(r"^\d{1,3}(?:\s*[-\u2013._)]+\s*|\s+)(?!\d)")
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,5}$")


def title_from_name(file_name: str) -> str:
    """Make a title of a file's name: no ending, no leading number, words instead of `_` and `-`.

    The result is never empty when the name is not.
    """
    stem = _ENDING.sub("", unicodedata.normalize("NFC", file_name)) or file_name
    words = " ".join(_NUMBER.sub("", stem).replace("_", " ").split())
    # hyphens between words stand for spaces only where there are no spaces
    if " " not in words:
        words = " ".join(words.replace("-", " ").split())
    words = words or stem
    return words[:1].upper() + words[1:]


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Answer by what names are put in order the way people count: "les 2" before "les 10".

    Capitals and accents do not matter, except between names that are otherwise the same.
    """
    folded = unicodedata.normalize("NFKD", name).casefold()
    pieces = [piece for piece in re.split(r"(\d+)", folded, flags=re.ASCII) if piece]
    counted = tuple((0, int(p), "") if p.isdecimal() else (1, 0, p) for p in pieces)
    return (*counted, (-1, 0, name))
