"""psycopg 3: libpq, with psycopg's own wait for the connection around it."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

import libpq
import pgtls_shim
import psycopg
import psycopg.types.hstore

VERSION = psycopg.pq.version()

psycopg.types.hstore.register_hstore(psycopg.types.TypeInfo("hstore", pgtls_shim.HSTORE_OID, 0))


def connect(request):
    connection = psycopg.connect(**libpq.settings(request, VERSION))
    try:
        # Typed values come in the binary format to those who ask for it, and in either as the server says.
        rows = connection.execute(request["query"], binary="fetch" in request).fetchall()
        tls = connection.pgconn.ssl_in_use
        if request.get("then") == "cancel":
            # cancel_safe (libpq 17, psycopg 3.2) encrypts the request as the connection was; cancel never does.
            libpq.cancelled(getattr(connection, "cancel_safe", connection.cancel))
        return rows, tls
    finally:
        connection.close()


wheel = os.path.join(os.path.dirname(os.path.dirname(psycopg.__file__)), "psycopg_binary.libs")
pgtls_shim.serve(
    {
        "name": "psycopg",
        "version": psycopg.__version__,
        "tls": libpq.tls(VERSION, wheel),
        "libpq": VERSION // 10000,
        "supports": libpq.supports(VERSION),
    },
    connect,
)
