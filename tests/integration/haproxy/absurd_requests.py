"""Requests that no well-meaning client sends, after the public lists of such cases.

The lists: PortSwigger's "HTTP request smuggling" and its Transfer-Encoding obfuscations
(HTTP Request Smuggler), "HTTP Garden" and its chunk-size cases, the http-desync-guardian's, RFC
9112 section 11. `REFUSED` must get a 4xx and reach no application; `TAKEN` may reach it, once, in a
form that can be read in one way only, because RFC 9112 (the section is named) allows or asks for
it; `EITHER` leaves it to the proxy.
"""

from collections.abc import Mapping

from tests.integration.haproxy.wire import HOST, SMUGGLED

_HOST = b"Host: " + HOST + b"\r\n"
_END = b"0\r\n\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


def post(rest: bytes) -> bytes:
    """Return a POST; `rest` is what follows its Host."""
    return b"POST /first HTTP/1.1\r\n" + _HOST + rest


def get(fields: bytes = b"", *, line: bytes = b"GET /first HTTP/1.1") -> bytes:
    """Return a GET with more headers, or with another request line."""
    return line + b"\r\n" + _HOST + fields + b"\r\n"


def hosted(fields: bytes) -> bytes:
    """Return a GET with these headers instead of its Host."""
    return b"GET /first HTTP/1.1\r\n" + fields + b"\r\n"


def _te(field: bytes) -> dict[str, bytes]:
    """Return a message with a Transfer-Encoding of some kind: alone, and against a length."""
    name = field.decode("latin-1")
    return {
        f"te {name!r}": post(field + b"\r\n\r\n" + _END + SMUGGLED),
        f"te {name!r} cl": post(field + b"\r\nContent-Length: 5\r\n\r\n" + _END + SMUGGLED),
    }


_OBFUSCATED = (
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding\t: chunked",
    b" Transfer-Encoding: chunked",
    b"Transfer-Encoding\r\n : chunked",
    b"Transfer-Encoding: \x0bchunked",
    b"Transfer-Encoding: \x0cchunked",
    b"Transfer-Encoding: chunked\x00",
    b"Transfer-Encoding:\x00chunked",
    b"Transfer-Encoding: \xffchunked",
    b"Transfer-Encoding:\xa0chunked",
    b'Transfer-Encoding: "chunked"',
    b"Transfer-Encoding: 'chunked'",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding: identity, chunked",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: ,chunked",
    b"Transfer-Encoding: chunked,",
    b"Transfer-Encoding: chunked;q=1",
    b"Transfer-Encoding: chunked\r",
    b"Transfer-Encoding: ",
    b"Transfer-Encoding:: chunked",
    b"Transfer-Encoding chunked",
    b"Transfer-Encoding=chunked",
    b"Transfer-Encoding\x00: chunked",
    b"Transfer-Encoding\xa0: chunked",
    b"Transfer-Encoding\x7f: chunked",
    b"Transfer-\xc4Encoding: chunked",
    b"Foo: bar\rTransfer-Encoding: chunked",
    b"Foo\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: cow",
    b"Transfer-Encoding: cow\r\nTransfer-Encoding: chunked",
)
_NO_LENGTHS = (
    *(b"+5", b"-5", b"0x5", b"5 5", b"", b"5.0", b"5\x0b", b"five", b"1_0", b"5,", b",5", b"5, 6"),
    *(b"\xd9\xa5", b"9" * 30, b"9223372036854775808"),
    *(b"18446744073709551615", b"18446744073709551616", b"18446744073709551617"),
    *(b"18446744073709551619", b"18446744073709551625", b"1000000000000000000"),
)
_NO_CHUNKS = (
    *(
        b"-1\r\nx\r\n",
        b"+1\r\nx\r\n",
        b"0x1\r\nx\r\n",
        b" 1\r\nx\r\n",
        b"\r\nx\r\n",
        b"1_0\r\nx\r\n",
    ),
    *(
        b"10000000000000001\r\nx\r\n",
        b"1\rx\r\n",
        b"1\nx\n",
        b"1\r\nxx\r\n",
        b"1\r\nxyz",
        b"xyz\r\n",
    ),
    *(b'1;a="\r\nx"\r\nx\r\n', b"1;a\nx\r\n", b"1;a\rb\r\nx\r\n", b"1\r\nx\r\n0\r\nX y\r\n\r\n"),
    b"FFFFFFFFFFFFFFFF\r\nx\r\n",
)
_NO_LINES = (
    *(b"GET /first", b"GET /first HTTP/1.10", b"GET /first HTTP/1.1 ", b"GET /first http/1.1"),
    *(b"GET /first HTTP/", b"GET /first HTTPS/1.1", b"GET /first x HTTP/1.1", b" GET / HTTP/1.1"),
    *(b"G(T /first HTTP/1.1", b"GET HTTP/1.1", b"GET * HTTP/1.1", b"GET first HTTP/1.1"),
    *(b"GET @evil HTTP/1.1", b"GET /\x00 HTTP/1.1", b"GET /\x01 HTTP/1.1", b"GET /\x7f HTTP/1.1"),
    *(b"GET /\xc3\xa4 HTTP/1.1", b"GET /first#x HTTP/1.1", b"GET /\r HTTP/1.1", b"GET", b"\x00"),
    b"GET http://other.hello.localhost/first HTTP/1.1",
    b"GET http://main.hello.localhost:99/first HTTP/1.1",
    b"GET http://main.hello.localhost@evil/first HTTP/1.1",
    *(b"CONNECT main.hello.localhost:80 HTTP/1.1", b"TRACE /first HTTP/1.1", b"PRI * HTTP/1.1"),
)
_NO_FIELDS = (
    *(b"A: b\rC: d", b"A: b\x00c", b"A\x00: b", b"A : b", b"A\t: b", b"abc", b": b", b"A B: c"),
    *(b"A(b): c", "Ä: b".encode(), b"A: " + b"x" * 31_800, b"A" * 31_800 + b": b"),
    b"\r\n".join(b"H%d: x" % number for number in range(300)),
)
_NO_HOSTS = (
    *(b"", b"Host: a\r\nHost: b\r\n", _HOST + b"Host: evil\r\n", b"Host : " + HOST + b"\r\n"),
    *(b" " + _HOST, b"Host: [::1\r\n", b"Host: \x01\r\n", "Host: mäin\r\n".encode()),
)
_HOSTS_OF_NOBODY = (
    *(b"", b".", b"..", b"*", b"-", b"'", b"~rev", b"~REV", b"[::1]", b"::1", b"127.0.0.1"),
    *(b"127.0.0.1|1|x", b"main%2ehello.localhost", b"a%0d%0ab", b".main.hello.localhost"),
    *(b"main..hello.localhost", b"--hello.localhost", b"a--.localhost", b"----.localhost"),
    *(
        b"a--b--c--hello.localhost",
        b"main_x.hello.localhost",
        b"-.hello.localhost",
        b"-.-.localhost",
    ),
    *(b"main.hello.localhost;x", b"main.hello.localhost:80:80", b"main.hello.localhost.evil"),
    *(b"main.hello. localhost", b"main.hello.localhost evil", b"main.hello.localhost,evil"),
    *(b"u@main.hello.localhost", b"main.hello.localhost/x", b"main.hello.localhost\x00"),
    *(
        b"main\\hello.localhost",
        b"<script>alert(1)</script>",
        b"a" * 5000,
        b"a" * 14_000,
        b"a." * 6000,
    ),
    b"nobody.localhost\r\nX-Forwarded-Host: main.hello.localhost",
)

REFUSED: Mapping[str, bytes] = {
    **{name: raw for field in _OBFUSCATED for name, raw in _te(field).items()},
    **{
        f"cl {value!r}": post(b"Content-Length: " + value + b"\r\n\r\nxxxxx" + SMUGGLED)
        for value in _NO_LENGTHS
    },
    "cl 0 and 5": post(b"Content-Length: 0\r\nContent-Length: 5\r\n\r\nxxxxx" + SMUGGLED),
    "cl 5 and 0": post(b"Content-Length: 5\r\nContent-Length: 0\r\n\r\nxxxxx" + SMUGGLED),
    **{f"chunk {chunk!r}": post(_CHUNKED + chunk + _END + SMUGGLED) for chunk in _NO_CHUNKS},
    **{f"line {line!r}": get(line=line) for line in _NO_LINES},
    **{f"field {field[:20]!r}": get(field + b"\r\n") for field in _NO_FIELDS},
    "a folded first header": b"GET /first HTTP/1.1\r\n A: b\r\n" + _HOST + b"\r\n",
    **{f"hosts {field!r}": hosted(field) for field in _NO_HOSTS},
    **{f"host {name[:40]!r}": hosted(b"Host: " + name + b"\r\n") for name in _HOSTS_OF_NOBODY},
    "a long path": get(line=b"GET /" + b"x" * 31_800 + b" HTTP/1.1"),
    "HTTP/0.9": b"GET /first\r\n\r\n",
    "HTTP/1.0 without a host": b"GET /first HTTP/1.0\r\n\r\n",
    "only CR": b"GET /first HTTP/1.1\rHost: main.hello.localhost\r\r",
    "an absolute URI without a host": b"GET http://main.hello.localhost/first HTTP/1.1\r\n\r\n",
    "TLS": bytes.fromhex("16030100a5010000a10303") + b"x" * 160,
    "all bytes": bytes(range(256)) * 3,
    "a preface of HTTP/2 that goes on otherwise": b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
}

TAKEN: Mapping[str, bytes] = {
    "nothing absurd": get(),
    "6.3: chunked wins, then the connection ends": post(
        b"Content-Length: 4\r\n" + _CHUNKED + _END + SMUGGLED
    ),
    "6.3: in the other order too": post(
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + _END + SMUGGLED
    ),
    "6.1: HTTP/1.0 with chunks ends the connection": (
        b"POST /first HTTP/1.0\r\nConnection: keep-alive\r\n" + _HOST + _CHUNKED + _END + SMUGGLED
    ),
    "5.2: a fold becomes a space": post(b"Transfer-Encoding:\r\n chunked\r\n\r\n" + _END),
    "5.2: a fold in any header": get(b"A: b\r\n c\r\n"),
    "5.1: whitespace around a value": post(b"Transfer-Encoding:\t chunked\t\r\n\r\n" + _END),
    "7: names of codings have no case": post(b"TrAnSfEr-EnCoDiNg: ChUnKeD\r\n\r\n" + _END),
    "6.3: a length that is said twice": post(b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx"),
    "6.3: and in a list": post(b"Content-Length: 1, 1\r\n\r\nx"),
    "6.2: zeros before a length": post(b"Content-Length: 0001\r\n\r\nx"),
    "7.1: zeros before a chunk's": post(_CHUNKED + b"0" * 21 + b"1\r\nx\r\n" + _END),
    "7.1.1: an extension is dropped": post(_CHUNKED + b"1;a=b\r\nx\r\n" + _END),
    "7.1.2: trailers": post(_CHUNKED + b"1\r\nx\r\n0\r\nX: y\r\n\r\n"),
    "7.1.2: a length among them is none": post(
        _CHUNKED + b"1\r\nx\r\n0\r\nContent-Length: 54\r\n\r\n"
    ),
    "a body of a GET": get(
        b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED.removesuffix(b"\r\n")
    ),
    "2.2: LF ends a line": b"GET /first HTTP/1.1\nHost: main.hello.localhost\n\n",
    "2.2: and a header's": post(b"X: y\nTransfer-Encoding: chunked\r\n\r\n" + _END),
    "2.2: empty lines before": b"\r\n\r\n" + get(),
    "3: other whitespace in the first line": get(line=b"GET\t /first  HTTP/1.1"),
    "2.3: a version that is to come": get(line=b"GET /first HTTP/1.2"),
    "HTTP/1.0": get(line=b"GET /first HTTP/1.0"),
    "3.1: a method in small letters": get(line=b"get /first HTTP/1.1"),
    "3.1: an unknown method": get(line=b"FOO /first HTTP/1.1"),
    "3.2.2: an absolute URI": get(line=b"GET http://main.hello.localhost/first HTTP/1.1"),
    "3.2.4: an asterisk": get(line=b"OPTIONS * HTTP/1.1"),
    "a path that goes up": get(line=b"GET /../../etc/passwd HTTP/1.1"),
    "a path with a line's end in it": get(line=b"GET /a%0d%0aX:%20y HTTP/1.1"),
    "a path with other characters": get(line=b'GET /"<>|{}\\^` HTTP/1.1'),
    "ours, in disguise": get(line=b"GET /x/../_prevs/start HTTP/1.1"),
    "h2c is not passed on": get(
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    ),
    "a connection that names what is needed": get(b"Connection: Host, X-Prevs-Task\r\n"),
    "a connection that names the length": post(
        b"Connection: Content-Length\r\nContent-Length: 54\r\n\r\n" + SMUGGLED
    ),
    "an expectation": post(b"Expect: 200-ok\r\nContent-Length: 1\r\n\r\nx"),
    "a port that is none": hosted(b"Host: main.hello.localhost:\r\n"),
    "dots at the end": hosted(b"Host: MAIN.hello.localhost.\r\n"),
}

EITHER: Mapping[str, bytes] = {
    "the same host twice": hosted(_HOST + _HOST),
    "a folded host": hosted(b"Host:\r\n main.hello.localhost\r\n"),
    "an underscore for a hyphen": post(b"Transfer_Encoding: chunked\r\nContent-Length: 0\r\n\r\n"),
    "a chunk with a space behind its size": post(_CHUNKED + b"1 \r\nx\r\n" + _END),
    "a last chunk that ends in LF": post(_CHUNKED + b"1\r\nx\r\n0\r\n\n"),
    "a chunk's extension with a NUL": post(_CHUNKED + b"1;\x00\r\nx\r\n" + _END),
    "a value with a control character": get(b"A: \x01\x7f\r\n"),
    "HTTP/9.9": get(line=b"GET /first HTTP/9.9"),
    "an absolute URI with another scheme": get(line=b"GET ftp://main.hello.localhost/ HTTP/1.1"),
    "an absolute URI with a user": get(line=b"GET http://u:p@main.hello.localhost/ HTTP/1.1"),
    "an upgrade with a body": post(
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 54\r\n\r\n" + SMUGGLED
    ),
    "a length that never comes": post(b"Content-Length: 9223372036854775807\r\n\r\nx"),
    "a chunk that never ends": post(_CHUNKED + b"7FFFFFFFFFFFFFF\r\nx\r\n"),
    **{
        f"a header of {size}": get(b"A: " + b"x" * size + b"\r\n")
        for size in (*range(23_600, 24_100, 50), *range(129_800, 130_100, 20), 131_072)
    },
    "a header far too long": get(b"A: " + b"x" * 70_000 + b"\r\n"),
    "a path far too long": get(line=b"GET /" + b"x" * 70_000 + b" HTTP/1.1"),
    **{f"{number} headers": get(b"X: y\r\n" * number) for number in (90, 97, 98, 99, 100, 101)},
    **{
        f"port {port!r}": hosted(b"Host: main.hello.localhost:" + port + b"\r\n")
        for port in (b"abc", b"-1", b"99999999", b"8" * 2000)
    },
}
