"""What a libpq of a given version can be told, and a request in its words. For every stack that is libpq underneath."""

import ctypes
import glob
import os
import pwd
import sys

from pgtls_shim import SSLMODES, Unsupported, whole_seconds

_ALWAYS = ["host", "hostaddr", "port", "user", "password", "dbname", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl"]


def supports(version, **more):
    """The `supports` of hello for libpq `version` (an integer as PQlibVersion gives it)."""
    return {
        "sslmode": SSLMODES,
        "sslnegotiation": ["postgres", "direct"] if version >= 170000 else ["postgres"],
        "sslrootcert": ["file", "system"] if version >= 160000 else ["file"],
        "channel_binding": ["prefer", "disable", "require"] if version >= 130000 else ["prefer"],
        "hostaddr": True,
        "sslcert": True,
        "sslcrl": True,
        "cancel": True,
        **more,
    }


def settings(request, version):
    """The request as libpq's connection keywords; raises `Unsupported` for what that version does not know."""
    if "sslnegotiation" in request and version < 170000:
        raise Unsupported(f"libpq {text(version)} has no sslnegotiation")
    if "channel_binding" in request and version < 130000:
        raise Unsupported(f"libpq {text(version)} has no channel_binding")
    if request.get("sslrootcert") == "system" and version < 160000:
        raise Unsupported(f"libpq {text(version)} has no sslrootcert=system")
    # Up to 14 the home folder comes from the user database: the empty HOME does not shut these files out.
    real = os.path.join(pwd.getpwuid(os.getuid()).pw_dir, ".postgresql")
    if version < 150000 and os.path.exists(real):
        raise Unsupported(f"libpq {text(version)} would read {real}")
    known = [*_ALWAYS, "sslnegotiation", "channel_binding"]
    asked = {key: str(request[key]) for key in known if key in request}
    return {**asked, "connect_timeout": str(whole_seconds(request))}


def text(version):
    """`180006` as `18.6`."""
    return f"{version // 10000}.{version % 10000}"


def tls(version, libraries):
    """The `tls` of hello. Drivers do not name the OpenSSL in their wheel, so it is asked itself, in the
    folder `libraries` where the wheel keeps it; loading it again yields the copy that is in use."""
    for path in glob.glob(os.path.join(libraries, "libcrypto-*.so*")):
        crypto = ctypes.CDLL(path)
        name = crypto.OpenSSL_version if hasattr(crypto, "OpenSSL_version") else crypto.SSLeay_version  # 1.0
        name.restype = ctypes.c_char_p
        return f"libpq {text(version)}, " + " ".join(name(0).decode().split()[:2])
    return f"libpq {text(version)}"


def cancelled(cancel):
    """Send a cancel request. Its failure is told on stderr: the connection and its query had succeeded."""
    try:
        cancel()
    except Exception as error:
        print(f"cancel failed: {error!r}", file=sys.stderr)
