#!/usr/bin/env python3
"""Reads `cargo metadata` and writes the copyright file of a Debian package: our licence, and those of what is linked in."""

import json
import sys

metadata = json.load(sys.stdin)
packages = {p["id"]: p for p in metadata["packages"]}
nodes = {n["id"]: n for n in metadata["resolve"]["nodes"]}
root = metadata["resolve"]["root"]

linked, waiting = set(), [root]
while waiting:
    node = waiting.pop()
    if node in linked:
        continue
    linked.add(node)
    for dependency in nodes[node]["deps"]:
        kinds = {kind["kind"] for kind in dependency["dep_kinds"]}
        if None in kinds:
            waiting.append(dependency["pkg"])

print("Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/")
print("Upstream-Name: kinolens")
print()
print("Files: *")
print("Copyright: The kinolens developers")
print("License: Expat or Apache-2.0")
print()
print("Files: assets/fonts/*")
print("Copyright: 2016-2022 The Inter Project Authors")
print("License: OFL-1.1")
for line in open("assets/fonts/OFL.txt", encoding="utf-8"):
    print(" " + (line.rstrip() or "."))
print()
print("License: Expat")
for line in open("LICENSE-MIT", encoding="utf-8"):
    print(" " + (line.strip() or "."))
print()
print("License: Apache-2.0")
print(" On Debian systems the full text is in /usr/share/common-licenses/Apache-2.0.")
print()
print("Comment: The program holds these crates, under these licences:")
for package in sorted((packages[i] for i in linked if i != root), key=lambda p: (p["name"], p["version"])):
    licence = package["license"] or f"see {package['license_file']}"
    authors = ", ".join(a.split(" <")[0] for a in package["authors"]) or "its authors"
    print(f" {package['name']} {package['version']}: {licence}; {authors}")
