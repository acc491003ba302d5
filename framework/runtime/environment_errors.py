"""Messages for errors of the machine and of settings files, which are no bugs of ours."""

from __future__ import annotations

import errno
import os
import re

from framework.errors import chain

_MACHINE = {
    errno.ENOSPC: "free some space on this disk, or choose another folder",
    errno.EDQUOT: "free some space of your quota, or choose another folder",
    errno.EFBIG: "raise the limit on the size of a file (ulimit -f), or load less at once",
    errno.EROFS: "choose a folder that can be written to",
    errno.EMFILE: "raise the limit on open files (ulimit -n), or lower client.max_in_flight",
    errno.ENFILE: "close other programs, or lower client.max_in_flight",
    errno.ENOMEM: "free some memory, raise the limit (ulimit -v), or request smaller pages",
    errno.EAGAIN: "raise the limits on memory and processes (ulimit -v and -u), or lower "
    "client.max_in_flight",
}
"""What to do if a resource of the machine is used up, by the error's number."""


def environment_error(error: Exception) -> str | None:
    """Return a message if the machine, a settings file or a variable is the cause, else None."""
    for one in chain(error):
        if isinstance(one, OSError) and one.errno == errno.ENOSPC and one.filename is None:
            return f"the output cannot be written: {one.strerror}"
        if isinstance(one, OSError) and one.errno in _MACHINE:
            where = f" ({one.filename})" if one.filename else ""
            return f"this machine refuses it: {one.strerror}{where}; {_MACHINE[one.errno]}"
        if isinstance(one, MemoryError) or type(one).__name__ == "OutOfMemoryException":
            return f"this machine refuses it: no memory is left; {_MACHINE[errno.ENOMEM]}"
        if isinstance(one, RuntimeError) and "can't start new thread" in str(one):
            return f"this machine refuses it: no more threads; {_MACHINE[errno.EAGAIN]}"
    if type(error).__name__ == "TomlProviderReadException":  # dlt's; dlt is not imported here
        files = " or ".join(filter(os.path.exists, getattr(error, "full_paths", ())))
        place = re.search(r"at (line \d+) col", str(error))
        if place is None:
            return f"{files} cannot be read; expected a UTF-8 text file that you may read"
        return f'{files} is not valid TOML in {place[1]}; write settings as NAME = "TEXT"'
    if type(error).__name__ == "InvalidTimezoneName":  # read when dlt is imported
        return f"DLT_INTERVAL_TIMEZONE: {error}"
    return None
