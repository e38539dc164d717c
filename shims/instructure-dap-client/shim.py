"""The DAP client's database connection, by the connection string of its documentation.

`?ssl=MODE` is all that it takes. There is no root file: verify-ca and verify-full trust the system store, and
the other modes trust nobody, so that sslrootcert=system has a meaning in those two only. Applications are
offered no connect timeout: none is set.
"""

import importlib.metadata
import os
import sys
from urllib.parse import quote

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

import pgtls_shim
from dap.integration.database import DatabaseConnection
from pgtls_shim import Unsupported


def connection_string(request):
    """The request as the client's connection string."""
    pgtls_shim.refuse(request, "sslnegotiation", "channel_binding", "sslcert", "sslkey", "sslcrl", "then")
    mode, root = request.get("sslmode"), request.get("sslrootcert")
    if root == "system" and mode not in ("verify-ca", "verify-full"):
        raise Unsupported("the system store is consulted under verify-ca and verify-full only")
    if root not in (None, "system"):
        raise Unsupported("no sslrootcert: the system store is the only one")
    login = f"{quote(request['user'], safe='')}:{quote(request['password'], safe='')}"
    query = f"?ssl={quote(mode, safe='')}" if mode else ""
    return f"postgresql://{login}@{request['host']}:{request['port']}/{quote(request['dbname'])}{query}"


async def connect(request):
    with pgtls_shim.resolving(request):
        async with DatabaseConnection(connection_string(request)).connection as context:
            if "fetch" not in request:
                return [(value,) for value in await context.query_all(int, request["query"])], None
            types = (int, *[object] * (len(request["fetch"]) - 1))
            return await context.query_all(tuple[types], request["query"]), None


pgtls_shim.serve(
    {
        "name": "instructure-dap-client",
        "version": importlib.metadata.version("instructure-dap-client"),
        "tls": f"asyncpg {importlib.metadata.version('asyncpg')}, {pgtls_shim.openssl()}",
        "supports": {
            "sslmode": pgtls_shim.SSLMODES,
            "sslnegotiation": ["postgres"],
            "sslrootcert": ["system"],
            "channel_binding": ["prefer"],
            "hostaddr": True,
            "sslcert": False,
            "sslcrl": False,
            "cancel": False,
        },
    },
    connect,
)
