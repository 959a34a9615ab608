#!/usr/bin/env python3
"""Writes randomly broken copies of plugins, with one to three changes each.

    mutate.py SEED COUNT OUT PLUGIN...

Creates the folders 00000, 00001, … in OUT and prints their paths, which are the input of `read_all --json -`.
"""

import os
import random
import shutil
import sys

VALUES = """null ~ [] {} true yes no n on off FALSE Null 1 -1 -0 +1 0x10 0123 1.5 1e400 .inf 1_000 12345678901234567890
2026-01-01 "x" ' " [ { [1,2] {a:\u00a0b} - * *a &a !!int\u00a0x !!str\u00a05 !!binary\u00a0aGk= é \u2028 # @x `x` | >- ? = <<
<<:\u00a0*a {a:\u00a0b,\u00a0a:\u00a0c} llm select models/*/*.yaml [a- ../x _position.yaml "\\x41" """.split()
VALUES = [value.replace("\u00a0", " ") for value in VALUES] + [": ", "- ", "\t", "---\n", "...\n", "%YAML 1.2\n", "\r\n", "en_US: "]


def files(folder, suffix=""):
    return sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names if name.endswith(suffix))


def changed(text, rnd):
    lines = text.split("\n")
    at = rnd.randrange(len(lines))
    line = lines[at]
    key, colon, value = line.partition(":")
    column = rnd.randrange(len(line) + 1)
    quoted = value.strip().replace('"', "").replace("'", "")
    change = rnd.randrange(14)
    if change == 0:
        del lines[at]
    elif change == 1:
        lines.insert(at, rnd.choice(lines))
    elif change == 2:
        lines[at] = " " * rnd.randrange(1, 4) + line
    elif change == 3 and line.startswith(" "):
        lines[at] = line[rnd.randrange(1, 4) :]
    elif change == 4 and colon:
        lines[at] = f"{key}: {rnd.choice(VALUES)}"
    elif change == 5 and colon:
        lines[at] = f"{key}{rnd.choice(['x', '', '_', 's', '-', ' '])}:{value}"
    elif change == 6:
        lines[at] = line[:column] + rnd.choice(VALUES) + line[column:]
    elif change == 7:
        lines[at] = line[:column] + line[column + rnd.randrange(1, 4) :]
    elif change == 8:
        other = rnd.randrange(len(lines))
        lines[at], lines[other] = lines[other], line
    elif change == 9 and colon:
        lines[at] = f"{key}: " + rnd.choice(['"%s"', "'%s'", "[%s]", "!!str %s", "&a %s"]) % quoted
    elif change == 10:
        return text[: rnd.randrange(len(text) + 1)]
    elif change == 11:
        lines.insert(at + 1, line)
    elif change == 12 and colon:
        other = rnd.choice(lines)
        if ":" in other:
            lines[at] = f"{key}:{other.partition(':')[2]}"
    elif line.lstrip().startswith("- "):
        lines[at] = line.replace("- ", "", 1)
    else:
        indent = len(line) - len(line.lstrip())
        lines[at] = f"{line[:indent]}- {line[indent:]}"
    return "\n".join(lines)


def main():
    seed, count, out, *plugins = sys.argv[1:]
    rnd = random.Random(int(seed))
    shutil.rmtree(out, ignore_errors=True)
    for number in range(int(count)):
        folder = f"{out}/{number:05}"
        shutil.copytree(rnd.choice(plugins), folder)
        for _ in range(rnd.choice([1, 1, 1, 2, 3])):
            yaml = files(folder, ".yaml")
            # The manifest is one of many files, so it is picked more often.
            path = rnd.choice(yaml + [f"{folder}/manifest.yaml"])
            text = open(path, encoding="utf-8", newline="").read()
            if text:
                with open(path, "w", encoding="utf-8", newline="") as file:
                    file.write(changed(text, rnd))
        if rnd.random() < 0.03:
            path = rnd.choice(files(folder))
            if not path.endswith("manifest.yaml"):
                os.remove(path)
        print(folder)


main()
