# A driver all of whose texts are nasty, a way for each mode; the last argument holds the text.
import json, socket, struct, sys

nasty = open(sys.argv[1], encoding="utf-8", newline="").read()
short = nasty[:60]


def say(answer):
    print(json.dumps(answer), flush=True)


def packet(body, tag=b""):
    return tag + struct.pack("!I", len(body) + 4) + body


def startup(user, database, application):
    pairs = ["user", user, "database", database, "application_name", application]
    body = b"".join(part.replace("\0", "").encode() + b"\0" for part in pairs)
    return packet(struct.pack("!I", 196608) + body + b"\0")


def vector(size, body):
    return len(body).to_bytes(size, "big") + body


def client_hello(name):
    name = name.encode()[:200]
    sni = vector(2, vector(2, b"\0" + vector(2, name)))
    alpn = vector(2, vector(2, vector(1, name)))
    versions = vector(2, vector(1, b"\x03\x04"))
    extensions = b"\0\0" + sni + b"\0\x10" + alpn + b"\0\x2b" + versions
    body = b"\x03\x03" + b"r" * 32 + b"\0" + vector(2, b"\x13\x01") + b"\x01\0" + vector(2, extensions)
    return b"\x16\x03\x01" + vector(2, b"\x01" + vector(3, body))


def messages(wire):
    file = wire.makefile("rb")
    while head := file.read(5):
        yield head[:1], file.read(struct.unpack("!I", head[1:])[0] - 4)


def log_in(asked, wire):
    wire.sendall(startup(asked["user"], asked["dbname"], nasty))
    for tag, body in messages(wire):
        if tag == b"R" and body[3] == 3:
            wire.sendall(packet(asked["password"].encode() + b"\0", b"p"))
        elif tag == b"Z":
            break
        elif tag == b"E":
            return None
    wire.sendall(packet(asked["query"].encode() + b"\0", b"Q"))
    row = None
    for tag, body in messages(wire):
        if tag == b"D":
            row = body[6:].decode()
        elif tag == b"Z":
            break
    wire.sendall(packet(b"", b"X"))
    return row


def failed():
    return {"outcome": "failed", "error": {"class": nasty, "message": nasty}}


def connect(asked):
    mode = asked.get("sslmode")
    if mode == "require":
        return {"outcome": "unsupported", "reason": nasty}
    wire = socket.create_connection((asked["hostaddr"], asked["port"]), timeout=2)
    if mode == "disable":
        row = log_in(asked, wire)
        return failed() if row is None else {"outcome": "connected", "tls": False, "rows": [[row]]}
    if mode == "allow":
        wire.sendall(startup(nasty, nasty, nasty))
        wire.recv(100)
    if mode == "prefer":
        wire.sendall(packet(struct.pack("!I", 80877103)))
        wire.recv(1)
        wire.sendall(client_hello(short))
        wire.recv(100)
    if mode == "verify-ca":
        sys.exit(nasty.replace("\n", " "))
    if mode == "verify-full":
        print(nasty.replace("\n", " "), flush=True)
    if mode is None:
        return {"outcome": "connected", "tls": True, "rows": [[nasty]]}
    return failed()


for line in sys.stdin:
    asked = json.loads(line)
    if asked["type"] == "hello":
        modes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
        supports = {"sslmode": modes + [nasty], "sslrootcert": ["file", nasty], "hostaddr": True}
        say({"type": "hello", "contract": 1, "name": nasty, "version": nasty, "tls": nasty, "supports": supports})
    elif asked.get("sslmode") == "nonsense":
        say({"type": "result", "id": asked["id"], "outcome": "unsupported", "reason": nasty})
    else:
        say({"type": "result", "id": asked["id"]} | connect(asked))
