"""Starts the plugin's binary in place of the Python interpreter that the daemon starts.

The daemon knows Python plugins only. It unpacks a package without execute bits and runs `python -m main` here; the process
it then watches, and kills in the end, must be the binary itself. So this module becomes the binary, with the same process
id and the same pipes, instead of starting it as a child.
"""

import os
import platform
import sys

ARCH = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
MFD_EXEC = 0x10  # of <linux/memfd.h>, since Linux 6.3; older kernels refuse it


def binary():
    machine = platform.machine()
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bin")
    path = os.path.join(folder, "plugin-linux-" + ARCH.get(machine.lower(), machine))
    if not os.path.isfile(path):
        sys.exit("this package has no binary for " + machine)
    return path


def in_memory(path):
    """A copy that may be executed where the file may not: a noexec mount, or a file of somebody else's."""
    try:
        copy = os.memfd_create("plugin", os.MFD_CLOEXEC | MFD_EXEC)
    except OSError:
        copy = os.memfd_create("plugin", os.MFD_CLOEXEC)
    with open(path, "rb") as source:
        left = os.fstat(source.fileno()).st_size
        while left:
            sent = os.sendfile(copy, source.fileno(), None, left)
            if not sent:
                sys.exit("the plugin's binary got shorter while it was read")
            left -= sent
    return copy


def become(path):
    arguments = [path, *sys.argv[1:]]
    try:
        os.chmod(path, 0o755)
    except OSError:
        pass  # not ours to change; it may be executed all the same
    try:
        os.execv(path, arguments)
    except PermissionError:
        os.execve(in_memory(path), arguments, os.environ)


def main():
    path = binary()
    try:
        become(path)
    except OSError as error:
        # The daemon shows the end of stderr alone.
        sys.exit("cannot run %s on %s: %s" % (os.path.basename(path), platform.machine(), error.strerror))


if __name__ == "__main__":
    main()
