"""The loop seen from the runner's side: `python3 -m unittest discover shims/python`."""

import json
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))

# A shim whose driver does what the request's query says.
SHIM = """
import asyncio, os, socket, sys
sys.path.insert(0, sys.argv[1])
import pgtls_shim

def act(request):
    print("a driver's chatter")
    os.write(1, b"and its C library's\\n")
    match request["query"]:
        case "refuse": pgtls_shim.refuse(request, "sslkey", "sslcert")
        case "chain":
            try:
                raise OSError("inner")
            except OSError as cause:
                raise ValueError("outer") from cause
        case "cancelled": raise asyncio.CancelledError()
        case "resolve":
            with pgtls_shim.resolving(request):
                return [[socket.getaddrinfo(name, 1)[0][4][0] for name in (request["host"], "127.0.0.9")]], None
    return [(1, None, "x")], True

async def act_later(request):
    await asyncio.sleep(0)
    return act(request)

pgtls_shim.serve({"name": "fake"}, act_later if sys.argv[2] == "async" else act)
"""


def answers(*requests, kind="sync"):
    """What the fake shim prints for the requests, parsed; fails unless it ends well when its input does."""
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    arguments = [sys.executable, "-c", SHIM, HERE, kind]
    done = subprocess.run(arguments, input=lines, capture_output=True, text=True, timeout=20, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def connect(query, **more):
    return {"type": "connect", "id": 7, "host": "a.example", "query": query, **more}


class Loop(unittest.TestCase):
    def test_hello_carries_the_contract(self):
        self.assertEqual(answers({"type": "hello", "contract": 1}), [{"type": "hello", "contract": 1, "name": "fake"}])

    def test_rows_become_text_for_both_kinds_of_driver(self):
        connected = {"type": "result", "id": 7, "outcome": "connected", "tls": True, "rows": [["1", None, "x"]]}
        for kind in ("sync", "async"):
            self.assertEqual(answers(connect("go"), connect("go"), kind=kind), [connected] * 2)

    def test_a_failure_tells_every_text_and_the_outer_class(self):
        error = {"class": "ValueError", "message": "outer\ninner"}
        self.assertEqual(answers(connect("chain")), [{"type": "result", "id": 7, "outcome": "failed", "error": error}])

    def test_a_cancelled_driver_is_a_failure_not_the_end(self):
        failed, after = answers(connect("cancelled"), connect("go"), kind="async")
        self.assertEqual((failed["error"]["class"], after["outcome"]), ("CancelledError", "connected"))

    def test_unsupported_names_the_key_and_not_its_value(self):
        unsupported = {"type": "result", "id": 7, "outcome": "unsupported", "reason": "no sslcert"}
        self.assertEqual(answers(connect("refuse", sslcert="/somewhere")), [unsupported])

    def test_hostaddr_answers_for_the_host_alone(self):
        for kind in ("sync", "async"):
            (result,) = answers(connect("resolve", hostaddr="127.0.0.3"), kind=kind)
            self.assertEqual(result["rows"], [["127.0.0.3", "127.0.0.9"]])


if __name__ == "__main__":
    unittest.main()
