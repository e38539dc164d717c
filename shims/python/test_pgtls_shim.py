"""The loop seen from the runner's side: `python3 -m unittest discover shims/python`."""

import json
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))

# A shim whose driver does what the request's query says.
SHIM = """
import asyncio, os, socket, sys, threading
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
        case "leave": sys.exit()
        case "long": return [("x" * 100_000, "y")] * 100_000, None
        case "deep":
            value = []
            for _ in range(100_000):
                value = [value]
            return [(value, "\\ud800")], None
        case "resolve": return [[socket.getaddrinfo(name, 1)[0][4][0] for name in (request["host"], "127.0.0.9")]], None
    return [(1, None, "x")], True

together = threading.Barrier(2)

def act_together(request):
    with pgtls_shim.resolving(request):
        if request["query"] == "resolve":
            together.wait(10)
        return act(request)

arrived, all_there = 0, asyncio.Event()

async def act_later(request):
    global arrived
    with pgtls_shim.resolving(request):
        await asyncio.sleep(0)
        if request["query"] == "resolve":
            arrived += 1
            if arrived == 2:
                all_there.set()
            await asyncio.wait_for(all_there.wait(), 10)
            found = await asyncio.get_running_loop().getaddrinfo(request["host"], 1)
            assert found[0][4][0] == request["hostaddr"], found
        return act(request)

pgtls_shim.serve({"name": "fake"}, act_later if sys.argv[2] == "async" else act_together)
"""


def run(requests, kind):
    """The fake shim with these requests on its stdin, when it has ended."""
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    arguments = [sys.executable, "-c", SHIM, HERE, kind]
    return subprocess.run(arguments, input=lines, capture_output=True, text=True, timeout=20)


def answers(*requests, kind="sync"):
    """What it prints for them, parsed and by their ids; fails unless it ends well when its input does."""
    done = run(requests, kind)
    done.check_returncode()
    return sorted(map(json.loads, done.stdout.splitlines()), key=lambda answer: answer.get("id", 0))


def connect(query, id=7, **more):
    return {"type": "connect", "id": id, "host": "a.example", "query": query, **more}


def result(id=7, **outcome):
    return {"type": "result", "id": id, **outcome}


class Loop(unittest.TestCase):
    def test_hello_carries_the_contract(self):
        hello = {"type": "hello", "contract": 1, "name": "fake", "supports": {"concurrency": 16}}
        for kind in ("sync", "async"):
            self.assertEqual(answers({"type": "hello", "contract": 1}, kind=kind), [hello])

    def test_rows_become_text_for_both_kinds_of_driver(self):
        for kind in ("sync", "async"):
            connected = [result(id, outcome="connected", tls=True, rows=[["1", "None", "x"]]) for id in range(40)]
            self.assertEqual(answers(*(connect("go", id) for id in range(40)), kind=kind), connected)

    def test_a_failure_tells_every_text_and_the_outer_class(self):
        error = {"class": "ValueError", "message": "outer\ninner"}
        self.assertEqual(answers(connect("chain")), [result(outcome="failed", error=error)])

    def test_a_cancelled_driver_is_a_failure_not_the_end(self):
        failed, after = answers(connect("cancelled", 1), connect("go", 2), kind="async")
        self.assertEqual((failed["error"]["class"], after["outcome"]), ("CancelledError", "connected"))

    def test_unsupported_names_the_key_and_not_its_value(self):
        unsupported = result(outcome="unsupported", reason="no sslcert")
        self.assertEqual(answers(connect("refuse", sslcert="/somewhere")), [unsupported])

    def test_hostaddr_answers_for_the_host_alone_and_for_its_own_request(self):
        for kind in ("sync", "async"):
            requests = [connect("resolve", id, hostaddr=f"127.0.0.{id}") for id in (3, 4)]
            rows = [answer["rows"] for answer in answers(*requests, kind=kind)]
            self.assertEqual(rows, [[["127.0.0.3", "127.0.0.9"]], [["127.0.0.4", "127.0.0.9"]]])

    def test_what_ends_a_program_ends_it_while_others_wait(self):
        for kind in ("sync", "async"):
            self.assertEqual(run([connect("leave")], kind).returncode, 1)

    def test_what_is_too_long_for_a_line_is_cut(self):
        (long,) = answers(connect("long"))
        self.assertLess(len(json.dumps(long)), 1 << 17)

    def test_what_cannot_be_written_was_read_all_the_same(self):
        (deep,) = answers(connect("deep"))
        self.assertEqual(deep["rows"], [["list", "?"]])


if __name__ == "__main__":
    unittest.main()
