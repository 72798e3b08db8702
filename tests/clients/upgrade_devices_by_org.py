"""Flags every active device of an organisation, with the calls of the vendor's example script of that purpose.

Those are: pages of GET /api/Computer of 250 rows until an empty one comes, each with an empty object as its body; then
PUT /api/DeviceUpgrade/{computerId} for each device, where 201 means flagged. Organisation 0 stands for all.

Usage: upgrade_devices_by_org.py URL CA_FILE ORGANISATION, with USERNAME and PASSWORD in the environment. Needs nothing but
Python itself. Prints one line of JSON.
"""

import base64
import json
import os
import ssl
import sys
import urllib.parse
import urllib.request

PAGE_SIZE = 250


class Authority:
    def __init__(self, url, ca_file):
        self.url = url
        # An empty name is for plain HTTP.
        self.context = ssl.create_default_context(cafile=ca_file) if ca_file else None
        account = f"{os.environ['USERNAME']}:{os.environ['PASSWORD']}"
        self.authorization = "Basic " + base64.b64encode(account.encode()).decode()

    def call(self, method, path, parameters):
        query = urllib.parse.urlencode(parameters)
        request = urllib.request.Request(
            f"{self.url}{path}?{query}" if query else f"{self.url}{path}",
            method=method,
            data=b"{}",
            headers={"Authorization": self.authorization, "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, context=self.context, timeout=60) as answer:
            return answer.status, answer.read()

    def devices(self, organisation):
        page = 1
        while True:
            parameters = {
                "pgNum": page,
                "pgSize": PAGE_SIZE,
                "active": "true",
                "incBackupUsage": "true",
                "incHistory": "true",
            }
            if organisation != "0":
                parameters["orgId"] = organisation
            _, body = self.call("GET", "/api/Computer", parameters)
            rows = json.loads(body)["data"]["computers"]
            if not rows:
                return
            yield from rows
            page += 1

    def flag(self, computer):
        status, _ = self.call("PUT", f"/api/DeviceUpgrade/{computer}", {})
        return status == 201


def main(url, ca_file, organisation):
    authority = Authority(url, ca_file)
    # The script reads all pages before it flags the first device.
    devices = list(authority.devices(organisation))
    flagged = [device["guid"] for device in devices if authority.flag(device["computerId"])]
    print(json.dumps({"devices": len(devices), "flagged": sorted(flagged)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
