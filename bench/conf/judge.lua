-- SPDX-License-Identifier: Apache-2.0
-- The judgement of policies/bench.yaml for nginx + Lua: reads the body, judges it, edits auto_stop, passes it on.
local cjson = require "cjson"
local M = {}

local allow = {"^modelarts%.vm%.cpu%..*$", "^modelarts%.kat1%..*$"}
local deny = {"^.*%.8u$"}
local types = {obs = true, evs = true}
local contact = "ml-platform@example.org"
local preset, longest, max_size_gb = 3600, 43200, 500

local function matches(patterns, value)
  for i = 1, #patterns do
    if value:find(patterns[i]) then return true end
  end
  return false
end

local function below(prefixes, path)
  if path:find("//", 1, true) or path:find("/../", 1, true) or path:find("/./", 1, true)
    or path:find("[%%\\%c]") then
    return false
  end
  for i = 1, #prefixes do
    if path:sub(1, #prefixes[i]) == prefixes[i] then return true end
  end
  return false
end

local function refuse(status, code, message)
  ngx.var.decision, ngx.var.reasons = "refuse", code
  ngx.status = status
  ngx.header["Content-Type"] = "application/json"
  ngx.say(cjson.encode{error_code = "Bench.0" .. status, error_msg = message,
    reasons = {{code = code, message = message, contact = contact}}})
  return ngx.exit(status)
end

local function judge_storage(storage, prefixes)
  if type(storage) ~= "table" or not types[storage.type] then return "storage.type" end
  local location = storage.location
  if type(location) ~= "table" then return "storage.location" end
  if location.path ~= nil and not below(prefixes, location.path) then return "storage.obs_prefix" end
  if location.volume_size ~= nil and location.volume_size > max_size_gb then return "storage.size" end
end

local function judge(body, prefixes)
  if type(body.flavor) ~= "string" or matches(deny, body.flavor) or not matches(allow, body.flavor) then
    return "flavor.not_allowed"
  end
  if body.custom_spec ~= nil then return "custom_spec" end
  local spec = body.spec
  if type(spec) ~= "table" then return "request.spec" end
  local fault = judge_storage(spec.storage, prefixes)
  if fault then return fault end
  if spec.extend_storage ~= nil and spec.extend_storage ~= cjson.null then
    for _, storage in ipairs(spec.extend_storage) do
      fault = judge_storage(storage, prefixes)
      if fault then return fault end
    end
  end
end

-- Sets a stop where there is none, shortens one that is too long; true when the body changed.
local function edit(spec)
  local stop = spec.auto_stop
  if type(stop) ~= "table" or not stop.enable or type(stop.duration) ~= "number" then
    spec.auto_stop = {enable = true, duration = preset}
    ngx.var.edits = "default /spec/auto_stop " .. preset
    return true
  end
  if stop.duration > longest then
    ngx.var.edits = "cap /spec/auto_stop/duration " .. stop.duration .. " to " .. longest
    stop.duration = longest
    return true
  end
  return false
end

function M.run(project)
  ngx.req.read_body()
  local text = ngx.req.get_body_data()
  if text == nil then return refuse(411, "body.missing", "this call needs a body") end
  local well, body = pcall(cjson.decode, text)
  if not well or type(body) ~= "table" then return refuse(400, "json.syntax", "the body is not JSON") end
  local fault = judge(body, {"/team-a/", "/ml-shared/" .. project .. "/"})
  if fault then return refuse(403, fault, fault .. ", ask " .. contact) end
  if edit(body.spec) then
    ngx.var.decision = "rewrite"
    ngx.req.set_body_data(cjson.encode(body))
  else
    ngx.var.decision = "allow"
  end
end

return M
