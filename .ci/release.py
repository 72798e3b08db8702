"""Writes what describes a release: the krew manifest of its archives, and the components of the program (SPDX).

Called by .ci/release with the version, where the archives will be found, and the second of the last commit; reads and writes dist/.
"""

import datetime
import hashlib
import json
import pathlib
import subprocess
import sys

DIST = pathlib.Path("dist")

# What krew calls the platforms of our targets.
PLATFORMS = {"x86_64": "amd64", "aarch64": "arm64"}


def krew(version, url):
    """The manifest by which `kubectl krew install` finds the plugin."""
    platforms = []
    for archive in sorted(DIST.glob("*.tar.gz")):
        target = archive.name.removeprefix(f"codeupgrade-{version}-").removesuffix(".tar.gz")
        platforms.append(
            {
                "selector": {"matchLabels": {"os": "linux", "arch": PLATFORMS.get(target.split("-")[0], target)}},
                "uri": f"{url}/v{version}/{archive.name}",
                "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
                "bin": "codeupgrade",
                "files": [{"from": "codeupgrade", "to": "."}, {"from": "LICENSE", "to": "."}],
            }
        )
    return {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": "codeupgrade"},
        "spec": {
            "version": f"v{version}",
            "shortDescription": "See and steer upgrades of Code42 environments",
            "description": "Shows what an upgrade does, what it waits for and who cannot back up meanwhile.",
            "platforms": platforms,
        },
    }


def components(version, when):
    """Every crate that the program is built from, as an SPDX document."""
    command = ["cargo", "metadata", "--format-version=1", "--locked", "--no-default-features"]
    metadata = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    root = metadata["resolve"]["root"]
    uses = {node["id"]: node["deps"] for node in metadata["resolve"]["nodes"]}
    # What is built in, and what builds it; what only tests use is no part of it.
    found, waiting = set(), [root]
    while waiting:
        crate = waiting.pop()
        if crate not in found:
            found.add(crate)
            waiting += [use["pkg"] for use in uses[crate] if any(kind["kind"] != "dev" for kind in use["dep_kinds"])]
    packages = [package for package in metadata["packages"] if package["id"] in found]
    packages.sort(key=lambda package: (package["name"], package["version"]))

    def identity(package):
        return "SPDXRef-" + "".join(letter if letter.isalnum() else "-" for letter in f"{package['name']}-{package['version']}")

    by_id = {package["id"]: package for package in packages}
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"codeupgrade-{version}",
        "documentNamespace": f"https://codeupgrade.dev/spdx/{version}",
        "creationInfo": {
            "created": datetime.datetime.fromtimestamp(when, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": ["Tool: .ci/release.py"],
        },
        "packages": [
            {
                "SPDXID": identity(package),
                "name": package["name"],
                "versionInfo": package["version"],
                "downloadLocation": package["repository"] or "NOASSERTION",
                "licenseDeclared": (package["license"] or "NOASSERTION").replace("/", " OR "),
                "filesAnalyzed": False,
                "externalRefs": [
                    {
                        "referenceCategory": "PACKAGE-MANAGER",
                        "referenceType": "purl",
                        "referenceLocator": f"pkg:cargo/{package['name']}@{package['version']}",
                    }
                ],
            }
            for package in packages
        ],
        "relationships": [
            {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": identity(by_id[root])}
        ]
        + [
            {"spdxElementId": identity(package), "relationshipType": "DEPENDS_ON", "relatedSpdxElement": identity(by_id[use["pkg"]])}
            for package in packages
            for use in uses[package["id"]]
            if use["pkg"] in by_id
        ],
    }


def write(name, content):
    """JSON is YAML, too, which krew reads."""
    (DIST / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def main():
    version, url, when = sys.argv[1], sys.argv[2], int(sys.argv[3])
    write("codeupgrade.krew.yaml", krew(version, url))
    write(f"codeupgrade-{version}.spdx.json", components(version, when))


main()
