# SPDX-License-Identifier: Apache-2.0
"""A program of a user of openstacksdk: openstack_client.py TASK.json RESULT.json, with clouds.yaml in its folder.

TASK: {calls: [{method, path, body}]}; "{id}" in a path is the id of what the first create made."""

import json
import sys

import openstack
from openstack import exceptions, service_description


def call(client, row, made):
    try:
        answer = client.request(row["path"].replace("{id}", made or ""), row["method"], json=row.get("body"))
        exceptions.raise_from_response(answer)
    except exceptions.HttpException as error:
        return {"status": error.status_code, "error": type(error).__name__, "message": str(error),
                "request_id": error.request_id}
    return {"status": answer.status_code, "answer": answer.json() if answer.content else None}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        task = json.load(file)
    connection = openstack.connect(cloud="postern")
    connection.add_service(service_description.ServiceDescription(service_type="modelarts"))
    client = connection.modelarts
    results, made = [], None
    for row in task["calls"]:
        results.append(call(client, row, made))
        made = made or (results[-1].get("answer") or {}).get("id")
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump(results, file)


main()
