#!/usr/bin/env python3
"""Installs a package as the plugin daemon does, without a network, and uses it in the places where a plugin has it hard.

    install.py PKG.difypkg TOOL REQUEST SHOWS

TOOL is `provider/tool`, REQUEST its parameters as JSON; SHOWS must be in what it answers. Needs Linux, root (for mounts, for
network namespaces, and to be somebody else), `uv`, a Python 3.12, and `qemu-aarch64`; says which of them is missing.

The steps are those of the daemon's local runtime (internal/core/local_runtime: environment.go, setup_python_environment.go,
subprocess.go): every file 0644, `uv venv`, `uv pip install -r requirements.txt`, `python -m main`, the first heartbeat. All
of it happens in a network namespace without interfaces.
"""

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile

ALONE = ["unshare", "--net"]
STRANGER = 12345
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
PATIENCE_S = 120  # all of it takes a few seconds; this only ends a wait for what never comes


def fail(text):
    sys.exit(f"offline install: {text}")


def unpack(package, folder):
    """As ExtractTo does: folders 0755, every file 0644."""
    with zipfile.ZipFile(package) as archive:
        for name in archive.namelist():
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
            with open(path, "wb") as file:
                file.write(archive.read(name))
            os.chmod(path, 0o644)


def install(folder):
    """Makes the environment, as the daemon calls uv; gives the seconds it took."""
    began = time.monotonic()
    venv = os.path.join(folder, ".venv")
    environment = {"PATH": os.environ["PATH"], "UV_CACHE_DIR": os.path.join(folder, ".uv-cache")}
    for command, more in (
        ([UV, "venv", ".venv", "--python", PYTHON], {}),
        ([UV, "pip", "install", "-r", "requirements.txt", "-vvv"], {"VIRTUAL_ENV": venv}),
    ):
        done = subprocess.run(ALONE + command, cwd=folder, env={**environment, **more}, capture_output=True, text=True)
        if done.returncode:
            fail(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return time.monotonic() - began


def request():
    data = {
        "type": "tool", "action": "invoke_tool", "user_id": "u", "provider": TOOL[0], "tool": TOOL[1],
        "credentials": {}, "tool_parameters": REQUEST,
    }
    envelope = {
        "session_id": "s-1", "conversation_id": None, "message_id": None, "app_id": None, "endpoint_id": None,
        "context": {}, "event": "request", "data": data,
    }
    return json.dumps(envelope, separators=(",", ":")) + "\n"


def use(command, folder, in_memory=None):
    """Starts the plugin, waits for its heartbeat, asks the tool, closes stdin; gives the milliseconds to the heartbeat.

    `in_memory`: whether it must have been copied into memory to be run, or must not.
    """
    began = time.monotonic()
    plugin = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first = plugin.stdout.readline()
    took = (time.monotonic() - began) * 1000
    if '"heartbeat"' not in first:
        plugin.kill()
        fail(f"no heartbeat, but {first!r}; {plugin.stderr.read()[-2000:]}")
    image = os.readlink(f"/proc/{plugin.pid}/exe")
    if in_memory not in (None, image.startswith("/memfd:")):
        fail(f"{command}: what runs is {image}")
    said, errors = plugin.communicate(request())
    data = [line["data"] for line in map(json.loads, said.splitlines()) if line["event"] == "session"]
    if SHOWS not in json.dumps(data) or [item["type"] for item in data][-1] != "end" or plugin.returncode:
        fail(f"{command}: exit code {plugin.returncode}, answered {said[-2000:]}; {errors[-2000:]}")
    return took


def as_daemon(folder):
    return ALONE + [os.path.join(folder, ".venv", "bin", "python"), "-m", "main"]


def report(place, text):
    print(f"{place:24} {text}", flush=True)


def mounted(options, base, folder):
    """A file system of its own with a copy of the installed folder."""
    os.mkdir(base)
    subprocess.run(["mount", "-t", "tmpfs", "none", base], check=True)
    copy = os.path.join(base, "plugin")
    shutil.copytree(folder, copy, symlinks=True)
    subprocess.run(["mount", "-o", f"remount,{options}", base], check=True)
    return copy


def in_hard_places(folder, work):
    for options in ("noexec", "ro", "noexec,ro"):
        base = os.path.join(work, options)
        copy = mounted(options, base, folder)
        # The interpreter is elsewhere: on a noexec mount its link still leads to it.
        report(options, f"heartbeat after {use(as_daemon(copy), copy, in_memory=True):.0f} ms")
        subprocess.run(["umount", base], check=True)

    copy = os.path.join(work, "foreign")
    shutil.copytree(folder, copy, symlinks=True)
    subprocess.run(["chown", "-R", f"{STRANGER}:{STRANGER}", copy], check=True)
    # Root without its powers owns none of these files, and yet reads the interpreter wherever that lies.
    command = ALONE + ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] + as_daemon(copy)[len(ALONE):]
    report("foreign owner", f"heartbeat after {use(command, copy, in_memory=True):.0f} ms")


def without_binary(folder, work):
    copy = os.path.join(work, "without")
    shutil.copytree(folder, copy, symlinks=True)
    os.remove(os.path.join(copy, "bin", f"plugin-linux-{ARCH}"))
    done = subprocess.run(as_daemon(copy), cwd=copy, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    last = done.stderr.strip().splitlines()[-1:]
    if done.returncode != 1 or not last or platform.machine() not in last[0] or len(last[0]) > 1024:
        fail(f"without a binary: exit code {done.returncode}, {done.stderr!r}")
    report("no binary", f"exit code 1: {last[0]}")


def foreign_processor(folder):
    binary = os.path.join(folder, "bin", "plugin-linux-arm64")
    if ARCH == "arm64" or not os.path.isfile(binary):
        fail("the package has no binary for arm64, or this machine is one")
    # The entry module would do that, if the machine were one.
    os.chmod(binary, 0o755)
    report("arm64, by qemu", f"heartbeat after {use(['qemu-aarch64', binary], folder):.0f} ms")


def main():
    for tool in ("unshare", "setpriv", "mount", "qemu-aarch64"):
        if not shutil.which(tool):
            fail(f"`{tool}` is not installed")
    signal.signal(signal.SIGALRM, lambda *_: fail(f"not done after {PATIENCE_S} s"))
    signal.alarm(PATIENCE_S)
    work = tempfile.mkdtemp(prefix="offline-")
    os.chmod(work, 0o755)
    try:
        folder = os.path.join(work, "plugin")
        os.mkdir(folder)
        unpack(PACKAGE, folder)
        report("installed", f"in {install(folder):.2f} s without a network")
        # The second start, and the daemon's too, finds the interpreter's files in the page cache.
        use(as_daemon(folder), folder)
        times = sorted(use(as_daemon(folder), folder, in_memory=False) for _ in range(9))
        report("started", f"heartbeat after {times[4]:.0f} ms ({times[0]:.0f} to {times[-1]:.0f})")
        fresh = os.path.join(work, "fresh")
        os.mkdir(fresh)
        unpack(PACKAGE, fresh)
        install(fresh)
        in_hard_places(fresh, work)
        without_binary(fresh, work)
        foreign_processor(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    PACKAGE, TOOL, REQUEST, SHOWS = sys.argv[1], sys.argv[2].split("/"), json.loads(sys.argv[3]), sys.argv[4]
    UV = os.environ.get("UV") or shutil.which("uv") or fail("`uv` is not installed")
    PYTHON = os.environ.get("PYTHON") or "3.12"
    main()
