"""Text from outside, made safe to be shown.

Belongs here: what pages, file names and people wrote must not move the cursor, change colours or look like other
lines; what libraries say must not give passwords away. Does not belong here: cutting and masking (`lake.sample`), or
tables (`cli.output`).
"""

import re

_CREDENTIALS = re.compile(r"(?<=://)[^/\s@'\"]*@")


def printable(text: str) -> str:
    r"""The text with everything invisible written as its escape: control characters, line ends, direction marks.

    >>> printable("two\nlines, \x1b[31mred, and \u202edrawkcab")
    'two\\nlines, \\x1b[31mred, and \\u202edrawkcab'
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def without_passwords(text: str) -> str:
    """The text without what stands before the `@` in addresses: libraries repeat whole addresses in their errors.

    >>> without_passwords("API request to http://ann:secret@mlflow:5000/api failed")
    'API request to http://…@mlflow:5000/api failed'
    """
    return _CREDENTIALS.sub("…@", text)
