// SPDX-License-Identifier: Apache-2.0
// A program of a user of the Node SDK: node_client.js TASK.json RESULT.json
// TASK: {endpoint, access_key, secret_key, security_token, project, calls: [{method, url, id, query, body}]};
// RESULT: one row for each call. The result is a file, because the SDK logs to stdout.
"use strict";
const fs = require("fs");
const core = require("@huaweicloud/huaweicloud-sdk-core");
const { ClientBuilder } = require("@huaweicloud/huaweicloud-sdk-core/ClientBuilder");

const task = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
let credentials = new core.BasicCredentials()
  .withAk(task.access_key)
  .withSk(task.secret_key)
  .withProjectId(task.project);
if (task.security_token) credentials = credentials.withSecurityToken(task.security_token);
const client = new ClientBuilder((hc) => hc).withCredential(credentials).withEndpoint(task.endpoint).build();

// What a service's package does: a table of request descriptions.
async function call(row) {
  const request = {
    method: row.method,
    url: row.url,
    contentType: "application/json",
    queryParams: row.query || {},
    pathParams: row.id === null ? {} : { id: row.id },
    headers: {},
  };
  if (row.body !== null) request.data = row.body;
  try {
    const answer = await client.sendRequest(request);
    return { status: answer.httpStatusCode, answer };
  } catch (e) {
    return { status: e.httpStatusCode, error: e.name, code: e.errorCode, message: e.message, request_id: e.requestId };
  }
}

(async () => {
  const results = [];
  let made = null; // the id of what the first create made
  for (const row of task.calls) {
    const result = await call({ id: null, body: null, ...row, ...(row.id === "made" ? { id: made } : {}) });
    if (made === null && result.answer) made = result.answer.id;
    results.push(result);
  }
  fs.writeFileSync(process.argv[3], JSON.stringify(results));
})();
