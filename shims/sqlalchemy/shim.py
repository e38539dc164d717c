"""SQLAlchemy's asyncio engine over asyncpg, an engine of its own for each connection.

The mode goes where SQLAlchemy's documentation puts it, into the engine's URL as `?ssl=`; what asyncpg takes
only in a URL of its own goes into `connect_args`.
"""

import os
import sys
from urllib.parse import quote, urlencode

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

import asyncpg
import pgtls_shim
import sqlalchemy
from pgtls_shim import Unsupported
from sqlalchemy.ext.asyncio import create_async_engine

IN_ASYNCPG_URL = ["sslrootcert", "sslcert", "sslkey", "sslcrl", "sslnegotiation"]


def engine(request):
    """The engine that a request asks for; nothing is connected yet."""
    pgtls_shim.refuse(request, "channel_binding", "then")
    mode, in_asyncpg_url = request.get("sslmode"), IN_ASYNCPG_URL
    arguments = {"timeout": pgtls_shim.timeout_seconds(request)}
    if request.get("sslrootcert") == "system":
        # The system store is what asyncpg's ssl=True means, with the name verified.
        if mode != "verify-full":
            raise Unsupported("sslrootcert=system is ssl=True, which is verify-full and nothing else")
        pgtls_shim.refuse(request, "sslcert", "sslkey", "sslcrl")
        arguments["ssl"], mode, in_asyncpg_url = True, None, ["sslnegotiation"]
    parameters = {key: request[key] for key in in_asyncpg_url if key in request}
    if parameters:
        arguments["dsn"] = "postgresql://?" + urlencode(parameters, quote_via=quote)
    url = sqlalchemy.engine.URL.create(
        "postgresql+asyncpg",
        username=request["user"],
        password=request["password"],
        host=request["host"],
        port=request["port"],
        database=request["dbname"],
        query={"ssl": mode} if mode else {},
    )
    return create_async_engine(url, connect_args=arguments)


async def connect(request):
    pool = engine(request)
    try:
        with pgtls_shim.resolving(request):
            async with pool.connect() as connection:
                result = await connection.execute(sqlalchemy.text(request["query"]))
                return result.all(), None
    finally:
        await pool.dispose()


pgtls_shim.serve(
    {
        "name": "sqlalchemy",
        "version": sqlalchemy.__version__,
        "tls": f"asyncpg {asyncpg.__version__}, {pgtls_shim.openssl()}",
        "supports": {
            "sslmode": pgtls_shim.SSLMODES,
            "sslnegotiation": ["postgres", "direct"],
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
