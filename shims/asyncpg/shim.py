"""asyncpg, by its connection URL."""

import asyncio
import inspect
import os
import ssl
import sys
from urllib.parse import quote, urlencode

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

import asyncpg
import asyncpg.connect_utils
import pgtls_shim
from pgtls_shim import Unsupported

# What a release does not know in the URL becomes a setting for the server: `sslnegotiation` before 0.30, files
# before 0.25, which took those in an SSLContext only.
SOURCE = inspect.getsource(asyncpg.connect_utils)
DIRECT = "sslnegotiation" in SOURCE
FILES_IN_URL = "query.pop('sslrootcert')" in SOURCE
IN_URL = ["sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslnegotiation"]


def url(request, keys):
    """The request as asyncpg's URL, with those of `keys` that it sets as parameters."""
    host = f"[{request['host']}]" if ":" in request["host"] else request["host"]
    login = f"{quote(request['user'], safe='')}:{quote(request['password'], safe='')}"
    parameters = urlencode({key: request[key] for key in keys if key in request}, quote_via=quote)
    return f"postgresql://{login}@{host}:{request['port']}/{quote(request['dbname'])}?{parameters}".rstrip("?")


def target(request):
    """The URL, and the further arguments that the request needs."""
    pgtls_shim.refuse(request, "channel_binding")
    if "sslnegotiation" in request and not DIRECT:
        raise Unsupported("no sslnegotiation")
    if not FILES_IN_URL and request.get("sslrootcert") != "system":
        return url(request, []) if "sslrootcert" in request else url(request, ["sslmode"]), by_context(request)
    if request.get("sslrootcert") != "system":
        return url(request, IN_URL), {}
    # The system store is what ssl=True means, with the name verified; it takes the URL's place for the rest.
    if request.get("sslmode") != "verify-full":
        raise Unsupported("sslrootcert=system is ssl=True, which is verify-full and nothing else")
    pgtls_shim.refuse(request, "sslcert", "sslkey", "sslcrl")
    return url(request, ["sslnegotiation"]), {"ssl": True}


def by_context(request):
    """What a release that takes files in an SSLContext only is given besides its URL."""
    pgtls_shim.refuse(request, "sslcert", "sslkey", "sslcrl")
    if "sslrootcert" not in request:
        return {}
    if request.get("sslmode") not in ("verify-ca", "verify-full"):
        raise Unsupported("sslrootcert takes an SSLContext, which is verify-ca or verify-full")
    context = ssl.create_default_context(cafile=request["sslrootcert"])
    context.check_hostname = request["sslmode"] == "verify-full"
    return {"ssl": context}


async def cancel(connection, query):
    """What an application does to cancel: it cancels the task that waits for a query. Closing waits for the request."""
    running = asyncio.ensure_future(connection.fetch(query))
    await asyncio.sleep(0)  # The statement is prepared already, so that now it is at work.
    running.cancel()
    await asyncio.wait([running])


async def connect(request):
    dsn, more = target(request)
    with pgtls_shim.resolving(request):
        connection = await asyncpg.connect(dsn, timeout=pgtls_shim.timeout_seconds(request), **more)
    try:
        rows = await connection.fetch(request["query"])
        if request.get("then") == "cancel":
            await cancel(connection, request["query"])
        return rows, None
    finally:
        await connection.close()


pgtls_shim.serve(
    {
        "name": "asyncpg",
        "version": asyncpg.__version__,
        "tls": pgtls_shim.openssl(),
        "supports": {
            "sslmode": pgtls_shim.SSLMODES,
            "sslnegotiation": ["postgres", "direct"] if DIRECT else ["postgres"],
            "sslrootcert": ["file", "system"],
            "channel_binding": ["prefer"],
            "hostaddr": True,
            "sslcert": FILES_IN_URL,
            "sslcrl": FILES_IN_URL,
            "cancel": True,
        },
    },
    connect,
)
