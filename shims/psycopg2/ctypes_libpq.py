"""The few calls of libpq that a shim needs, on a library loaded from a folder."""

import ctypes
import glob
import os

_CONNECTION_OK = 0
_PGRES_TUPLES_OK = 2


class OperationalError(Exception):
    """What libpq said when a connection or a query failed."""


class Libpq:
    """The libpq in a folder of shared libraries, loaded with what it depends on."""

    def __init__(self, folder):
        pq = _load(folder)
        pointer, text, integer = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
        texts = ctypes.POINTER(text)
        for name, result, *arguments in [
            ("PQlibVersion", integer),
            ("PQconnectdbParams", pointer, texts, texts, integer),
            ("PQstatus", integer, pointer),
            ("PQerrorMessage", text, pointer),
            ("PQfinish", None, pointer),
            ("PQsslInUse", integer, pointer),
            ("PQexec", pointer, pointer, text),
            ("PQresultStatus", integer, pointer),
            ("PQntuples", integer, pointer),
            ("PQnfields", integer, pointer),
            ("PQgetisnull", integer, pointer, integer, integer),
            ("PQgetvalue", text, pointer, integer, integer),
            ("PQclear", None, pointer),
            ("PQgetCancel", pointer, pointer),
            ("PQcancel", integer, pointer, text, integer),
            ("PQfreeCancel", None, pointer),
        ]:
            function = getattr(pq, name)
            function.restype, function.argtypes = result, arguments
        self.pq = pq
        self.version = pq.PQlibVersion()

    def connect(self, settings):
        """A connection by libpq's keywords; raises OperationalError."""
        array = ctypes.c_char_p * (len(settings) + 1)
        keywords = array(*(keyword.encode() for keyword in settings), None)
        values = array(*(value.encode() for value in settings.values()), None)
        return Connection(self.pq, self.pq.PQconnectdbParams(keywords, values, 0))


class Connection:
    """An open connection, closed at the end of its `with`."""

    def __init__(self, pq, handle):
        self.pq, self.handle = pq, handle
        if pq.PQstatus(handle) != _CONNECTION_OK:
            error = self._error()
            pq.PQfinish(handle)
            raise error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.pq.PQfinish(self.handle)

    def query(self, sql):
        """Run one query and return its rows, values as text; raises OperationalError."""
        pq, result = self.pq, self.pq.PQexec(self.handle, sql.encode())
        try:
            if pq.PQresultStatus(result) != _PGRES_TUPLES_OK:
                raise self._error()
            value = lambda row, field: (
                None if pq.PQgetisnull(result, row, field) else pq.PQgetvalue(result, row, field).decode()
            )
            return [
                [value(row, field) for field in range(pq.PQnfields(result))] for row in range(pq.PQntuples(result))
            ]
        finally:
            pq.PQclear(result)

    def ssl_in_use(self):
        """Whether the connection is encrypted."""
        return bool(self.pq.PQsslInUse(self.handle))

    def cancel(self):
        """Send a cancel request, as libpq of that time does: on a connection of its own, in clear."""
        why = ctypes.create_string_buffer(256)
        cancel = self.pq.PQgetCancel(self.handle)
        try:
            if not self.pq.PQcancel(cancel, why, len(why)):
                raise OperationalError(why.value.decode(errors="replace"))
        finally:
            self.pq.PQfreeCancel(cancel)

    def _error(self):
        return OperationalError(self.pq.PQerrorMessage(self.handle).decode(errors="replace"))


def _load(folder):
    # The wheel's libraries name each other without a path that resolves here, and the loader only takes a
    # dependency that is loaded already: so round after round, until one brings nothing new.
    missing = glob.glob(os.path.join(folder, "*.so*"))
    while missing:
        left, reasons = [], []
        for path in missing:
            try:
                library = ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
            except OSError as reason:
                left.append(path)
                reasons.append(str(reason))
                continue
            if os.path.basename(path).startswith("libpq-"):
                return library
        if len(left) == len(missing):
            raise OSError("; ".join(reasons))
        missing = left
    raise OSError(f"no libpq in {folder}")
