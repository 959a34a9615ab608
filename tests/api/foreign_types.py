#!/usr/bin/env python3
"""Checks which types of other projects stand in the public signatures of a crate: each is a promise to follow its releases.

    foreign_types.py LIST CRATE.json …

LIST is `foreign-types.txt` beside this file; the others are what rustdoc writes with `--output-format json`, one a crate.
A type that isn't listed fails, and so does a listed one that no signature has any more.
"""
import json
import sys

STANDARD = ("core::", "alloc::", "std::", "dify_plugin_")


def mentioned(node):
    """Every type or trait that a part of an item names, by its id in the document."""
    if isinstance(node, dict):
        if {"id", "path", "args"} <= node.keys():
            yield node["id"]
        for part in node.values():
            yield from mentioned(part)
    elif isinstance(node, list):
        for part in node:
            yield from mentioned(part)


def foreign(document):
    """The full names of the foreign types, each with an item that has it."""
    found = {}
    for item in document["index"].values():
        implementation = item["inner"].get("impl", {})
        # Auto traits and blanket implementations are written by the compiler, not by us.
        if item["crate_id"] != 0 or implementation.get("is_synthetic") or implementation.get("blanket_impl"):
            continue
        for id in mentioned(item["inner"]):
            path = document["paths"].get(str(id))
            name = "::".join(path["path"]) if path else ""
            if path and path["crate_id"] != 0 and not name.startswith(STANDARD):
                found.setdefault(name, item["name"] or "an impl")
    return found


def main():
    listed, file = {}, sys.argv[1]
    for line in open(file):
        if line.strip() and not line.startswith("#"):
            krate, name = line.split()
            listed.setdefault(krate, set()).add(name)
    wrong = []
    for path in sys.argv[2:]:
        document = json.load(open(path))
        krate = document["index"][str(document["root"])]["name"]
        found, expected = foreign(document), listed.pop(krate, set())
        wrong += [f"{krate} {name} is in the signature of `{item}` and not listed" for name, item in found.items() if name not in expected]
        wrong += [f"{krate} {name} is listed, and no signature has it" for name in expected - found.keys()]
    wrong += [f"{krate} is listed and was not checked" for krate in listed]
    for line in sorted(wrong):
        print(f"{file}: {line}", file=sys.stderr)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
