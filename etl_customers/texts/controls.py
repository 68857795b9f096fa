"""Characters that steer a screen or a program: the one definition, for cells, words of commands and JSON.

Characters that merely cannot be seen are in ``etl_customers.texts.invisible``.
"""

import re

_STEERING = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""DEL, C1, marks of direction, separators of lines and paragraphs, lone surrogates; JSON itself escapes C0."""


def escape_json(text: str) -> str:
    r"""Return JSON that reads back the same, and in which no character steers the screen that shows it.

    >>> escape_json('{"name": "Zoë \u202e"}')
    '{"name": "Zoë \\u202e"}'
    """
    # All of them stand in strings: JSON has none elsewhere, and none follows a backslash that counts.
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
