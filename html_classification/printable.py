"""Text from outside, made safe for a terminal.

Belongs here: what pages, file names and people wrote must not move the cursor, change colours or look like other
lines. Does not belong here: cutting and masking (`lake.sample`), or tables (`cli.output`).
"""


def printable(text: str) -> str:
    r"""The text with everything invisible written as its escape: control characters, line ends, direction marks.

    >>> printable("two\nlines, \x1b[31mred, and \u202edrawkcab")
    'two\\nlines, \\x1b[31mred, and \\u202edrawkcab'
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )
