# SPDX-License-Identifier: GPL-3.0-or-later
"""Malformed requests by the thousand: good ones with something wrong, bytes changed here and there, and pure noise."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from gimp_saliency.shared.client import transport
from tests.model_server.serve.wire import EDGE, EDITS, HARMONIZE, LOOK, PICTURE, PROPOSALS, REFINE

_WISHES = "&boldness=bold&background=1&background_strength=0.5&style=0,1,-1,0.5,0,0,0,0,2,-2"

ROUTES = (
    *(EDITS, PROPOSALS, LOOK, EDGE, REFINE, "/v1/saliency?width=16&height=16"),
    *(EDITS + _WISHES, PROPOSALS + _WISHES, PROPOSALS + "&styles=7", LOOK + "&original=1", EDGE + "&radius=2.5"),
    *(HARMONIZE, HARMONIZE + "&reference=0", HARMONIZE + "&reference=1"),
    HARMONIZE + "&style=0,1,-1,0.5,0,0,0,0,2,-2&styles=7",
)

_OPTIONAL = ("background", "background_strength", "boldness", "style", "styles", "original", "radius", "reference")

_METHODS = (b"GET", b"HEAD", b"PUT", b"OPTIONS", b"CONNECT", b"BREW", b"post", b"", b"PO\0ST", b"P" * 3000)
_VERSIONS = (
    b"HTTP/0.9",
    b"HTTP/1.2.3",
    b"HTTP/2.0",
    b"HTTP/9.9",
    b"HTTP/",
    b"http/1.1",
    b"HTTP/-1.1",
    b"HTTP/1e9.1",
    b"x",
    b"HTTP/1",
)
_NUMBERS = (
    *("", "-1", "0", "15", "17", "385", "2049", "99999999999999999999", "1e1", "16.0", "0x10", "+16", " 16", "16 "),
    *("0,0,0,0,0,0,0,0,0", "0,0,0,0,0,0,0,0,0,5", ",,,,,,,,,", "0," * 3000, "2147483648", "1.0"),
    *("nan", "inf", "१६", "1_6", "%00", "16%0d%0aX: y", "'", "[]", "None", "../../etc/passwd", "9" * 5000),
)
_LENGTHS = (
    *("", "-1", "0", "1023", "1025", "1e3", "0x400", "+1024", "1 024", "1024, 1024", "999999999999", "16777217"),
    *("99999999999999999999999", "nan", "१०२४", "None", "1024;", "\0", "1024\0", "9" * 4000),
)
_NOISE = (
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"\xff",
    b" ",
    b":",
    b"%",
    b"?",
    b"&",
    b"=",
    b"/",
    b"\t",
    b"\x80",
    b"{",
    b"HTTP/1.1",
)


def malformed(random: Random) -> bytes:
    """One request, of which nearly all deserve a refusal, whatever the server thinks of it."""
    return random.choice(_KINDS)(random)


def _request(line: bytes, headers: list[bytes], body: bytes) -> bytes:
    return b"\r\n".join([line, b"Host: localhost", *headers, b"", body])


def _length(body: bytes = PICTURE) -> bytes:
    return b"Content-Length: %d" % len(body)


def _line(random: Random) -> bytes:
    return b"POST " + random.choice(ROUTES).encode() + b" HTTP/1.1"


def _wrong_line(random: Random) -> bytes:
    method, path, version = _line(random).split(b" ")
    wrong = random.randrange(4)
    if wrong == 0:
        method = random.choice(_METHODS)
    elif wrong == 1:
        version = random.choice(_VERSIONS)
    elif wrong == 2:
        path = random.choice(
            (b"*", b"//", b"/../" * 200, b"http://[", b"http://evil/v1/edits", b"/v1/edits%00", path * 2000)
        )
    else:
        path += random.choice((b" ", b" x ", b"\0 ", b"\x0b", b" HTTP/1.1"))
    # A byte is missing, lest the change did no harm.
    return _request(b" ".join((method, path, version)), [_length()], PICTURE[:-1])


def _wrong_parameter(random: Random) -> bytes:
    address, _, query = random.choice(ROUTES).partition("?")
    fields = query.split("&")
    at = random.randrange(len(fields))
    name, _, _value = fields[at].partition("=")
    wrong = random.randrange(5)
    if wrong == 0:
        fields[at] = f"{name}={random.choice(_NUMBERS)}"
    elif wrong == 1:
        del fields[at]
    elif wrong == 2:
        fields.append(fields[at])
    elif wrong == 3:
        fields.append(
            f"{random.choice(('path', 'file', 'seed', 'url', '__class__', 'networks', '%2e', ''))}=/etc/passwd"
        )
    else:
        fields = fields * random.randrange(2, 200)
    line = f"POST {address}?{'&'.join(fields)} HTTP/1.1".encode()
    # Another number of what need not be there, or none, is often as good: those need a fault of their own.
    return _request(line, [_length()], PICTURE[:-1] if name in _OPTIONAL else PICTURE)


def _wrong_length(random: Random) -> bytes:
    body = PICTURE[: random.randrange(len(PICTURE))] if random.random() < 0.3 else PICTURE
    lengths = [b"Content-Length: " + random.choice(_LENGTHS).encode()]
    wrong = random.randrange(6)
    if wrong == 0:
        lengths = []
    elif wrong == 1:
        lengths *= 2
    elif wrong == 2:
        lengths = [_length(), *lengths]
    elif wrong == 3:
        lengths = [_length(), b"Transfer-Encoding: " + random.choice((b"chunked", b"gzip", b"identity", b"\xff"))]
    elif wrong == 4:
        body, lengths = body[:-1], [_length()]
    return _request(_line(random), lengths, body)


def _wrong_headers(random: Random) -> bytes:
    wrong: bytes = random.choice(
        (
            b"X: " + b"y" * 70_000,
            b"\r\n".join(b"X-%d: y" % number for number in range(150)),
            b"X" * 66_000,
            f"{transport.VERSION_HEADER}: {random.choice(('', '9.9', '0' * 500, 'é'))}".encode(),
            b"Expect: 100-continue\r\nContent-Length: 7",
            b"Transfer-Encoding: chunked",
            b"\r\n\r\n",
            b"no colon",
        )
    )
    return _request(_line(random), [wrong, _length()], PICTURE)


def _changed(random: Random) -> bytes:
    """A good request's head with a few bytes changed, inserted, removed or repeated."""
    head = bytearray(_request(_line(random), [_length()], b"")[:-4])
    for _ in range(random.randrange(1, 5)):
        at = random.randrange(len(head))
        length = random.randrange(4)
        head[at : at + length] = random.choice((b"", random.randbytes(random.randrange(4)), random.choice(_NOISE)))
        if random.random() < 0.1:
            head[at:at] = head[at : at + 50] * random.randrange(20)
    return bytes(head) + b"\r\n\r\n" + PICTURE[: -random.randrange(1, 9)]  # for the same reason


def _cut(random: Random) -> bytes:
    whole = _request(_line(random), [_length()], PICTURE)
    return whole[: random.randrange(len(whole))]


def _noise(random: Random) -> bytes:
    return random.randbytes(random.choice((0, 1, 7, 100, 3000, 70_000)))


def _pieces(random: Random) -> bytes:
    return b"".join(random.choice((*_NOISE, b"GET ", b"POST ", b"/v1/edits?", b"width=16")) for _ in range(20))


def _pipelined(random: Random) -> bytes:
    """Several requests at once, first one whose fault is not that bytes are missing: the next one would fill in."""
    first = random.choice((_wrong_headers, _noise, _pieces))
    more = [_wrong_parameter, _wrong_length, _wrong_headers, _changed, _noise]
    return first(random) + b"".join(random.choice(more)(random) for _ in range(random.randrange(1, 5)))


_KINDS: tuple[Callable[[Random], bytes], ...] = (
    *(_wrong_line, _wrong_parameter, _wrong_length, _wrong_headers, _changed, _cut, _noise, _pieces, _pipelined),
)
