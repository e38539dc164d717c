"""The shim contract's loop: one JSON request a line on stdin, one JSON answer a line on stdout."""

import contextlib
import inspect
import json
import os
import socket
import sys

SSLMODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]


class Unsupported(Exception):
    """The driver offers applications no way to ask for this. Raise it before any connection is made."""


def serve(hello, connect):
    """Answer requests until stdin ends.

    `hello` is the driver's part of the hello message. `connect(request)` connects, runs
    `request["query"]`, closes, and returns `(rows, tls)`: rows as the driver gives them, and whether
    the connection was encrypted (None where the driver does not tell). It may be a coroutine function;
    then one event loop serves every request. Whatever it raises becomes the answer's error.
    """
    answers = _claim_stdout()
    if inspect.iscoroutinefunction(connect):
        import asyncio

        # Set as the current one too: that is how drivers find it.
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        run = lambda request: loop.run_until_complete(connect(request))
    else:
        run = connect
    for line in sys.stdin:
        request = json.loads(line)
        if request["type"] == "hello":
            answer = {"type": "hello", "contract": 1, **hello}
        else:
            answer = {"type": "result", "id": request["id"], **_outcome(run, request)}
        print(json.dumps(answer), file=answers, flush=True)


def timeout_seconds(request):
    """The request's connect timeout in seconds, as drivers take it."""
    return request["timeout_ms"] / 1000


def whole_seconds(request):
    """The request's connect timeout rounded up to whole seconds, for drivers that take no less."""
    return max(1, -(-request["timeout_ms"] // 1000))


def refuse(request, *keys):
    """Raise `Unsupported` if the request sets one of `keys`, none of which the driver can be given.

    The reason names the key alone: values may be paths, and reasons are compared from run to run.
    """
    for key in keys:
        if key in request:
            raise Unsupported(f"no {key}")


@contextlib.contextmanager
def resolving(request):
    """Let `host` resolve to `hostaddr` in this process, as a line in /etc/hosts would.

    For drivers without a `hostaddr` of their own: what they verify is still the name.
    """
    system = socket.getaddrinfo

    def getaddrinfo(host, *args, **kwargs):
        name = host.decode("ascii") if isinstance(host, bytes) else host
        return system(request["hostaddr"] if name == request["host"] else host, *args, **kwargs)

    if "hostaddr" not in request:
        yield
        return
    socket.getaddrinfo = getaddrinfo
    try:
        yield
    finally:
        socket.getaddrinfo = system


def openssl():
    """The OpenSSL that Python's `ssl` module uses, without its date."""
    import ssl

    return " ".join(ssl.OPENSSL_VERSION.split()[:2])


def _claim_stdout():
    # Whatever a driver prints must not pass for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _outcome(run, request):
    try:
        rows, tls = run(request)
    except Unsupported as reason:
        return {"outcome": "unsupported", "reason": str(reason)}
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # CancelledError is no Exception, and applications see it too
        message = "\n".join(dict.fromkeys(_texts(error)))
        return {"outcome": "failed", "error": {"class": type(error).__name__, "message": message}}
    rows = [[None if value is None else str(value) for value in row] for row in rows]
    return {"outcome": "connected", "tls": tls, "rows": rows}


def _texts(error):
    """Every text of an error that an application would see in its log, the outermost first."""
    while error is not None:
        yield str(error) or repr(error)
        yield from getattr(error, "__notes__", ())
        for part in getattr(error, "exceptions", ()):
            yield from _texts(part)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
