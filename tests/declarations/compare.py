#!/usr/bin/env python3
"""Compares the daemon's declarations of the same plugins with ours, value by value.

    compare.py DAEMON.jsonl OURS.jsonl [DIFFERENCES.txt]

Each file has a line of JSON for each plugin, in the same order. Ours comes from `read_all --json -`. The daemon's comes from a
short program around its Go packages, which is kept outside this repository. It packs the folder without ignoring anything,
opens it as an uploaded package, and prints

    path          the folder
    declaration   the result of Manifest(), as written by Go's encoding/json
    decode_error  instead, why it cannot be read
    illegal, identity, language, icons
                  what is refused later: by ManifestValidate, by the identifier (including UUIDs), at launch, by RemapAssets
    validator     the struct validator's errors for the whole declaration

The comparison fails if a value differs and DIFFERENCES.txt doesn't list it, if a line there is not needed, if one side refuses
what the other accepts, or if the validator refuses something for which we have no finding. What only Dify refuses
(`refused-by-dify`) counts as accepted.
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
    """The validator's errors without a finding for the same field or for one that contains it."""
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
        sys.exit("the two files don't list the same plugins in the same order")

    for daemon, our in zip(theirs, ours):
        where = daemon["path"]
        COUNTS["plugins"] += 1
        undecodable = next((daemon[key] for key in ("decode_error", "zip_error", "pack_error") if key in daemon), None)
        later = {key: daemon[key] for key in LATER if key in daemon}
        if "panic" in daemon:
            COUNTS["the daemon panics"] += 1
        elif undecodable:
            COUNTS["cannot be read"] += 1
            if not our["refused"]:
                failures.append(f"{where}: the daemon cannot read it: {undecodable}")
        elif "error" in our:
            COUNTS["only we cannot read"] += 1
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
                    failures.append(f"{where}: {path}: {str(a)[:80]!r} for the daemon, {str(b)[:80]!r} for us")
            if "validator" in daemon:
                COUNTS["the validator refuses"] += 1
                for field, tag in unseen(daemon["validator"], our["findings"]):
                    failures.append(f"{where}: no finding for {field}, {tag}")
    failures += [f"{path} is listed but doesn't differ" for path in listed if path not in needed]
    print(dict(COUNTS))
    for failure in failures[:40]:
        print("FAILED", failure)
    sys.exit(1 if failures else 0)


main()
