"""pg8000, by the `ssl_context` that an application would give it for each sslmode.

ssl_context=None (the default) tries TLS unverified and takes N for an answer: prefer, and what unset means.
False never asks for TLS: disable. True insists on TLS unverified: require. A context of one's own insists
too, and verifies what it is set up to: verify-ca and verify-full. Nothing of pg8000's tries plaintext
first: no allow. A root file, CRL or client certificate needs such a context; without a root file it trusts
the system store, so that `system` and none are the same to it.

Before 1.31 None is plaintext (disable, and what unset means), nothing falls back (no prefer), False is taken for
a context, and True verifies: require is a context that does not.
"""

import importlib.metadata
import os
import ssl
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

import pg8000.dbapi
import pgtls_shim
from pgtls_shim import Unsupported

VERSION = importlib.metadata.version("pg8000")
if tuple(map(int, VERSION.split(".")[:2])) >= (1, 31):
    WITHOUT_CONTEXT = {None: None, "prefer": None, "disable": False, "require": True}
else:
    unverified = ssl.create_default_context()
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    WITHOUT_CONTEXT = {None: None, "disable": None, "require": unverified}


def ssl_context(request):
    """The `ssl_context` argument for a request."""
    mode, root = request.get("sslmode"), request.get("sslrootcert")
    pgtls_shim.refuse(request, "sslnegotiation", "channel_binding", "then")
    if mode in WITHOUT_CONTEXT:
        for key in ("sslrootcert", "sslcert", "sslcrl"):
            if key in request:
                raise Unsupported(f"{key} takes an ssl_context, which is verify-ca or verify-full")
        return WITHOUT_CONTEXT[mode]
    if mode not in ("verify-ca", "verify-full"):
        raise Unsupported(f"no sslmode={mode}")
    if mode == "verify-ca" and root == "system":
        raise Unsupported("sslrootcert=system means that names are verified")
    context = ssl.create_default_context(cafile=None if root == "system" else root)
    context.check_hostname = mode == "verify-full"
    if "sslcrl" in request:
        context.load_verify_locations(request["sslcrl"])
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    if "sslcert" in request:
        context.load_cert_chain(request["sslcert"], request["sslkey"])
    return context


def connect(request):
    context = ssl_context(request)
    with pgtls_shim.resolving(request):
        connection = pg8000.dbapi.connect(
            user=request["user"],
            password=request["password"],
            host=request["host"],
            port=request["port"],
            database=request["dbname"],
            ssl_context=context,
            timeout=pgtls_shim.timeout_seconds(request),
        )
    try:
        cursor = connection.cursor()
        cursor.execute(request["query"])
        return cursor.fetchall(), None
    finally:
        connection.close()


pgtls_shim.serve(
    {
        "name": "pg8000",
        "version": VERSION,
        "tls": pgtls_shim.openssl(),
        "supports": {
            "sslmode": [*filter(None, WITHOUT_CONTEXT), "verify-ca", "verify-full"],
            "sslnegotiation": ["postgres"],
            "sslrootcert": ["file", "system"],
            "channel_binding": ["prefer"],
            "hostaddr": True,
            "sslcert": True,
            "sslcrl": True,
            "cancel": False,
        },
    },
    connect,
)
