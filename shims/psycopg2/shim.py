"""psycopg2, or, where its wheel has no build for this Python, the libpq that the wheel carries."""

import glob
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))

import libpq
import pgtls_shim


def bundled(packages):
    """The folder of the wheel's shared libraries: psycopg2/.libs up to 2.7."""
    old = os.path.join(packages, "psycopg2", ".libs")
    return old if os.path.isdir(old) else os.path.join(packages, "psycopg2_binary.libs")


def by_psycopg2():
    """The driver's version, its libpq's, the folder of its libraries and `connect`, through its own module."""
    import psycopg2
    import psycopg2.extensions
    import psycopg2.extras

    version = psycopg2.extensions.libpq_version()
    psycopg2.extras.register_hstore(None, globally=True, oid=pgtls_shim.HSTORE_OID)

    def connect(request):
        connection = psycopg2.connect(**libpq.settings(request, version))
        try:
            with connection.cursor() as cursor:
                cursor.execute(request["query"])
                rows = cursor.fetchall()
            info = getattr(connection, "info", None)  # from 2.8 on
            tls = info.ssl_in_use if info else None
            if request.get("then") == "cancel":
                libpq.cancelled(connection.cancel)
            return rows, tls
        finally:
            connection.close()

    libraries = bundled(os.path.dirname(os.path.dirname(psycopg2.__file__)))
    # "2.9.13 (dt dec pq3 ext lo64)": the build's features are no part of the version.
    return psycopg2.__version__.split()[0], version, libraries, connect


def by_ctypes():
    """The same, through the libpq of the wheel that install.sh unpacked beside the environment."""
    from ctypes_libpq import Libpq

    packages = os.path.join(sys.prefix, "wheel")
    libraries = bundled(packages)
    library = Libpq(libraries)

    def connect(request):
        with library.connect(libpq.settings(request, library.version)) as connection:
            rows = connection.query(request["query"])
            if request.get("then") == "cancel":
                libpq.cancelled(connection.cancel)
            return rows, connection.ssl_in_use()

    metadata = glob.glob(os.path.join(packages, "psycopg2_binary-*.dist-info"))[0]
    release = os.path.basename(metadata).removeprefix("psycopg2_binary-").removesuffix(".dist-info")
    return release, library.version, libraries, connect


try:
    release, version, libraries, connect = by_psycopg2()
except ImportError:
    release, version, libraries, connect = by_ctypes()

pgtls_shim.serve(
    {
        "name": "psycopg2",
        "version": release,
        "tls": libpq.tls(version, libraries),
        "libpq": version // 10000,
        "supports": libpq.supports(version),
    },
    connect,
)
