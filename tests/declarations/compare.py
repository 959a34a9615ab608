#!/usr/bin/env python3
"""Compares two readings of the same plugins, value by value: the daemon's and ours.

    compare.py DAEMON.jsonl OURS.jsonl [DIFFERENCES.txt]

Each file has a line of JSON for each plugin, in one order. Ours are from `read_all --json -`. The daemon's are from a
program of a few lines around its Go packages, which is kept outside of this repository: it packs the folder without
ignoring anything, opens it as an uploaded package, and prints

    path          the folder
    declaration   what Manifest() returns, as Go's encoding/json writes it
    decode_error  or else why it can't be read
    illegal, identity, language, icons
                  what is refused later: by ManifestValidate, by the identifier (UUIDs too), at launch, by RemapAssets
    validator     what the struct validator says of the whole declaration

The comparison fails if a value differs in a way that DIFFERENCES.txt doesn't list, if a line there isn't needed, if one
side refuses what the other takes, or if the validator refuses something for which we have no finding.
"""

import json
import re
import sys
from collections import Counter

LATER = ("illegal", "identity", "language", "icons")
CODES = {"required": "missing", "lte": "too-long", "lt": "too-long", "max": "too-long", "min": "out-of-range"}


def differences(theirs, ours, path=""):
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted(theirs.keys() | ours.keys()):
            if key in theirs and key in ours:
                yield from differences(theirs[key], ours[key], f"{path}.{key}" if path else key)
            else:
                yield f"{path}.{key}", theirs.get(key, "(absent)"), ours.get(key, "(absent)")
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for a, b in zip(theirs, ours):
            yield from differences(a, b, f"{path}[]")
    elif isinstance(theirs, bool) != isinstance(ours, bool) or theirs != ours:
        yield path, theirs, ours
    else:
        COUNTS["values compared"] += 1


def snake(name):
    name = {"EnUS": "en_US", "LLM": "llm", "OAuthSchema": "oauth_schema"}.get(name, name)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower() if not name.startswith("en_") else name


def unseen(validator, findings):
    """The validator's complaints that no finding repeats: about that field, or about one that it is a part of."""
    for field, tag in re.findall(r"Key: '([^']*)' Error:.* on the '([^']*)' tag", validator):
        parts = [snake(part.split("[")[0]) for part in field.split(".")]
        codes = {CODES.get(tag, "unknown-value"), "missing", "illegal", "wrong-format", "unknown-value", "no-icon", "refused-by-dify"}
        codes.add("empty")
        seen = any(f["code"] == "empty" or f["field"].split(".")[-1].split("[")[0] in parts for f in findings if f["code"] in codes)
        if not seen:
            yield field, tag


COUNTS = Counter()


def main():
    theirs_file, ours_file, *rest = sys.argv[1:]
    listed = {}
    for line in open(rest[0]) if rest else []:
        if line.strip() and not line.startswith("#"):
            path, why = line.split(": ", 1)
            listed[path] = why
    needed, failures = set(), []
    with open(theirs_file) as a, open(ours_file) as b:
        theirs, ours = [json.loads(line) for line in a], [json.loads(line) for line in b]
    if [line["path"] for line in theirs] != [line["path"] for line in ours]:
        sys.exit("the two files are not of the same plugins in the same order")

    for daemon, our in zip(theirs, ours):
        where = daemon["path"]
        COUNTS["plugins"] += 1
        undecodable = next((daemon[key] for key in ("decode_error", "zip_error", "pack_error") if key in daemon), None)
        later = {key: daemon[key] for key in LATER if key in daemon}
        if "panic" in daemon:
            COUNTS["the daemon panics"] += 1
        elif undecodable:
            COUNTS["can't be read"] += 1
            if not our["refused"]:
                failures.append(f"{where}: the daemon can't read it: {undecodable}")
        elif "error" in our:
            COUNTS["only we can't read"] += 1
            print(f"stricter: {where}: {our['error']}")
        else:
            COUNTS["read by both"] += 1
            COUNTS["refused later"] += bool(later)
            if bool(later) != our["refused"]:
                failures.append(f"{where}: the daemon refuses {later}, we {our['findings'][:2]}")
            for path, a, b in differences(daemon["declaration"], our["declaration"]):
                if path in listed:
                    needed.add(path)
                    COUNTS["listed differences"] += 1
                else:
                    failures.append(f"{where}: {path}: {str(a)[:80]!r} to the daemon, {str(b)[:80]!r} to us")
            if "validator" in daemon:
                COUNTS["the validator refuses"] += 1
                for field, tag in unseen(daemon["validator"], our["findings"]):
                    failures.append(f"{where}: no finding for {field}, {tag}")
    failures += [f"{path} is listed, and nothing differs there" for path in listed if path not in needed]
    print(dict(COUNTS))
    for failure in failures[:40]:
        print("FAILED", failure)
    sys.exit(1 if failures else 0)


main()
