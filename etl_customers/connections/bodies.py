"""Answers of which no more is read than was agreed: sessions without redirects, and bodies that end.

What an answer means is not asked here.
"""

import time

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

_PART_BYTES = 64 * 1024


class Endless(Exception):
    """A body is longer, or takes longer, than was agreed."""


class Session(requests.Session):
    """A session for which no answer is a redirect.

    ``allow_redirects=False`` alone reads the whole body of one, however long, and stumbles over an address in it.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 - whatever it says
        """Return none."""
        return


def read_body(response: requests.Response, most_bytes: int, seconds: float) -> bytes:
    """Return the unpacked body of an answer that was asked for with ``stream=True``.

    Args:
        response: Nothing of its body was read.
        most_bytes: Of the unpacked body.
        seconds: From now on, for all of it; the session's timeout is for each of its parts.

    Raises:
        Endless: It is longer, or takes longer.
        requests.RequestException: It breaks off, or cannot be unpacked.
    """
    deadline = time.monotonic() + seconds
    body = bytearray()
    try:
        # What one packet brought: iter_content waits for a whole block, and a drop at a time never fills it.
        while part := response.raw.read1(_PART_BYTES, decode_content=True):
            body += part
            if len(body) > most_bytes or time.monotonic() > deadline:
                raise Endless
    except ReadTimeoutError:
        raise requests.ReadTimeout from None
    except HTTPError:
        raise requests.ConnectionError from None
    return bytes(body)
