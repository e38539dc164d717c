"""The shim contract's loop: one JSON request a line on stdin, one JSON answer a line on stdout."""

import asyncio
import contextlib
import contextvars
import inspect
import json
import os
import socket
import sys
import threading
import traceback

SSLMODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]

# The mock server's oid of hstore, which has none of its own: applications look it up once, and register it.
HSTORE_OID = 16385

# How many requests are at work at a time: most of them may wait for a silent server, and yet a processor has
# work; where the process dies, they are few enough to be asked again one by one.
CONCURRENCY = 16

# How much text of one answer is told, in characters: a hostile server sends more than a line of the contract holds.
LONGEST = 1 << 16


class Unsupported(Exception):
    """The driver offers applications no way to ask for this. Raise it before any connection is made."""


def serve(hello, connect):
    """Answer requests until stdin ends, up to `CONCURRENCY` of them at a time.

    `hello` is the driver's part of the hello message. `connect(request)` connects, runs
    `request["query"]`, closes, and returns `(rows, tls)`: rows as the driver gives them, and whether
    the connection was encrypted (None where the driver does not tell). It is called in several threads at
    a time, or it is a coroutine function: then all its tasks share one event loop. Whatever it raises becomes
    the answer's error.
    """
    supports = {**hello.get("supports", {}), "concurrency": CONCURRENCY}
    answers = _Answers({"type": "hello", "contract": 1, **hello, "supports": supports})
    if inspect.iscoroutinefunction(connect):
        _serve_by_tasks(answers, connect)
    else:
        _serve_by_threads(answers, connect)


def _serve_by_threads(answers, connect):
    reading = threading.Lock()

    def work():
        while True:
            with reading:
                line = sys.stdin.buffer.readline()
            if not line:
                return
            request = answers.hello_or_request(line)
            if request is None:
                continue
            try:
                outcome = _connected(*connect(request))
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:
                outcome = _not_connected(error)
            answers.result(request, outcome)

    threads = [threading.Thread(target=_fatally, args=[work], daemon=True) for _ in range(CONCURRENCY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _serve_by_tasks(answers, connect):
    loop = _Loop()
    # As the current one too: that is how drivers find it.
    asyncio.set_event_loop(loop)
    ended, tasks = loop.create_future(), set()

    async def work(request):
        try:
            outcome = _connected(*await connect(request))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # CancelledError is no Exception, and applications see it too
            outcome = _not_connected(error)
        answers.result(request, outcome)

    def begin(request):
        task = loop.create_task(work(request))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def read():
        for line in sys.stdin.buffer:
            request = answers.hello_or_request(line)
            if request is not None:
                loop.call_soon_threadsafe(begin, request)
        loop.call_soon_threadsafe(ended.set_result, None)

    async def serve_all():
        await ended
        await asyncio.gather(*tasks)

    threading.Thread(target=_fatally, args=[read], daemon=True).start()
    _fatally(lambda: loop.run_until_complete(serve_all()))


def _fatally(work):
    """Whatever would end a program of one thread ends this one at once, the threads that read stdin or not."""
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)


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
    """Let `host` resolve to `hostaddr` within this request, as a line in /etc/hosts would.

    For drivers without a `hostaddr` of their own: what they verify is still the name.
    """
    if "hostaddr" not in request:
        yield
        return
    before = _hosts.set({request["host"]: request["hostaddr"]})
    try:
        yield
    finally:
        _hosts.reset(before)


# Of the thread or task at hand.
_hosts = contextvars.ContextVar("hosts", default={})


def _address(host):
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    return _hosts.get().get(name)


def _getaddrinfo(host, *args, _system=socket.getaddrinfo, **kwargs):
    return _system(_address(host) or host, *args, **kwargs)


socket.getaddrinfo = _getaddrinfo


class _Loop(asyncio.SelectorEventLoop):
    """Knows what a request's host resolves to, which the thread that would be asked for it does not."""

    async def getaddrinfo(self, host, port, **hints):
        if _address(host):
            return socket.getaddrinfo(host, port, **hints)
        return await super().getaddrinfo(host, port, **hints)


def openssl():
    """The OpenSSL that Python's `ssl` module uses, without its date."""
    import ssl

    return " ".join(ssl.OPENSSL_VERSION.split()[:2])


class _Answers:
    """Standard output, a line at a time."""

    def __init__(self, hello):
        self.hello, self.writing = hello, threading.Lock()
        # Whatever a driver prints must not pass for an answer.
        self.stdout = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)

    def hello_or_request(self, line):
        """Answer a hello; return any other request."""
        request = json.loads(line)
        if request["type"] != "hello":
            return request
        self._write(self.hello)

    def result(self, request, outcome):
        self._write({"type": "result", "id": request["id"], **outcome})

    def _write(self, answer):
        # Decoders yield halves of surrogate pairs, which are no characters.
        line = json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        with self.writing:
            self.stdout.write(line)
            self.stdout.flush()


def _connected(rows, tls):
    left, told = LONGEST, []
    for row in rows:
        if left <= 0:
            break
        left -= 1
        told.append([])
        for value in row:
            text = _text(value)[: max(left, 0)]
            left -= 1 + len(text)
            told[-1].append(text)
            if left <= 0:
                break
    return {"outcome": "connected", "tls": tls, "rows": told}


def _text(value):
    try:
        return str(value)
    except Exception:  # The driver has read it; that it is nested too deeply to be written is not its fault.
        return type(value).__name__


def _not_connected(error):
    if isinstance(error, Unsupported):
        return {"outcome": "unsupported", "reason": str(error)}
    message = "\n".join(dict.fromkeys(_texts(error)))[:LONGEST]
    return {"outcome": "failed", "error": {"class": type(error).__name__, "message": message}}


def _texts(error):
    """Every text of an error that an application would see in its log, the outermost first."""
    while error is not None:
        yield str(error) or repr(error)
        yield from getattr(error, "__notes__", ())
        for part in getattr(error, "exceptions", ()):
            yield from _texts(part)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
