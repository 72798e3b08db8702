"""The vendor's Python client against a simulated authority: connect, page through the devices, read one, flag it.

Usage: py42_client.py URL CA_FILE, with USERNAME and PASSWORD in the environment. Prints one line of JSON.
"""

import json
import os
import sys

import py42.exceptions
import py42.sdk
import py42.settings


def main(url, ca_file):
    py42.settings.verify_ssl_certs = ca_file
    # Small pages, so that there is more than one.
    py42.settings.items_per_page = 10
    client = py42.sdk.from_local_account(url, os.environ["USERNAME"], os.environ["PASSWORD"])

    pages = list(client.devices.get_all(active=True, include_backup_usage=True))
    devices = [device for page in pages for device in page["computers"]]
    one = devices[0]
    by_id = client.devices.get_by_id(one["computerId"])
    by_guid = client.devices.get_by_guid(one["guid"])
    upgrade = client.devices.upgrade(one["guid"])

    try:
        client.devices.get_by_guid("1")
        missing = None
    except py42.exceptions.Py42NotFoundError as error:
        missing = error.response.status_code

    print(
        json.dumps(
            {
                "username": client.users.get_current()["username"],
                "pages": len(pages),
                "guids": sorted({device["guid"] for device in devices}),
                "same": by_id["guid"] == by_guid["guid"] == one["guid"],
                "version": by_guid["productVersion"],
                "flagged": one["guid"],
                "upgrade": upgrade.status_code,
                "missing": missing,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
