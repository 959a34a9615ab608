"""Starts the plugin's binary in place of the Python interpreter that the daemon starts.

The daemon runs only Python plugins. It unpacks a package without execute bits and runs `python -m main` in it. The process
that it watches, and finally kills, must be the binary itself. So this module replaces itself with the binary, which keeps the
process id and the pipes, instead of starting a child.
"""

import os
import platform
import sys

ARCH = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
MFD_EXEC = 0x10  # from <linux/memfd.h>, since Linux 6.3; older kernels refuse it


def binary():
    machine = platform.machine()
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bin")
    path = os.path.join(folder, "plugin-linux-" + ARCH.get(machine.lower(), machine))
    if not os.path.isfile(path):
        sys.exit("this package has no binary for " + machine)
    return path


def in_memory(path):
    """Copies the binary into memory, for a noexec mount or a file of another owner, which cannot be made executable."""
    try:
        copy = os.memfd_create("plugin", os.MFD_CLOEXEC | MFD_EXEC)
    except OSError:
        copy = os.memfd_create("plugin", os.MFD_CLOEXEC)
    with open(path, "rb") as source:
        left = os.fstat(source.fileno()).st_size
        while left:
            sent = os.sendfile(copy, source.fileno(), None, left)
            if not sent:
                sys.exit("the plugin's binary was truncated while it was read")
            left -= sent
    return copy


def become(path):
    arguments = [path, *sys.argv[1:]]
    try:
        os.chmod(path, 0o755)
    except OSError:
        pass  # not the owner; it may be executable already
    try:
        os.execv(path, arguments)
    except PermissionError:
        os.execve(in_memory(path), arguments, os.environ)


def main():
    path = binary()
    try:
        become(path)
    except OSError as error:
        # The daemon shows only the end of stderr.
        sys.exit("cannot run %s on %s: %s" % (os.path.basename(path), platform.machine(), error.strerror))


if __name__ == "__main__":
    main()
