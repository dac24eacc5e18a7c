-- What a request asks of the controller, over the waiting room's wake socket. Arguments: the path of that
-- socket, and the longest hold in seconds.
--
-- lua.hold holds a request until the socket says where its preview answers, or for as long as the client
-- wants to be held (`Prefer: wait=10`, RFC 7240). The request waits in HAProxy, body and all, and then goes
-- to its destination once. An answer of 200 is the map's value, 204 means "not yet, ask again", 409 "no"
-- and 429 "come again in so many seconds": the request then goes to the waiting room, which says why. 410
-- means that the client has gone, and its request goes nowhere. Anything else means that the controller is
-- being started again. txn.held is for how many seconds the request was to be held. Where one comes for the second
-- time, txn.refused is the task that took no connection, and txn.peer the client's own "address port".
local socket, longest = ...
local missed_at_most, pause_ms, answer_ms, where_ms = 60, 500, 30000, 2000

local function now()
  local time = core.now()
  return time.sec + time.usec / 1000000
end

local function patience(txn)
  local prefer = "," .. string.lower(txn.f:req_fhdr("prefer") or "")
  local seconds = string.match(prefer, '[,;%s]wait%s*=%s*"?(%d+)') or longest
  -- A second at least: in it the preview is asked for.
  return math.min(math.max(tonumber(seconds), 1), tonumber(longest))
end

local function hold(txn)
  local host = txn:get_var("txn.host")
  local seconds = patience(txn)
  local deadline = now() + seconds
  local missed = 0
  txn:set_var("txn.held", string.format("%d", seconds))
  repeat
    local answer = core.httpclient():get({
      url = "http://wake/wake",
      dst = "unix@" .. socket,
      headers = {
        ["x-prevs-host"] = { host },
        ["x-prevs-client"] = { txn.f:src() },
        ["x-prevs-peer"] = { txn:get_var("txn.peer") or txn.f:fc_src() .. " " .. txn.f:fc_src_port() },
        ["x-prevs-refused"] = { txn:get_var("txn.refused") or "" },
        ["x-prevs-seconds"] = { string.format("%.3f", math.max(deadline - now(), 0)) },
      },
      timeout = answer_ms,
    })
    local status = answer and answer.status
    if status == 200 then
      txn:set_var("txn.asked", "1")
      txn:set_var("txn.dst", answer.body)
      return
    elseif status == 409 then
      return
    elseif status == 410 then
      txn:set_var("txn.gone", "1")
      return
    elseif status == 429 then
      txn:set_var("txn.later", answer.body)
      return
    elseif status == 204 then
      missed = 0
    else
      missed = missed + 1
      core.msleep(pause_ms)
    end
  until now() >= deadline or missed >= missed_at_most
end

-- lua.where asks where a host leads now: what a process that was replaced has to do, as its own map changes
-- no more.
local function where(txn)
  local answer = core.httpclient():get({
    url = "http://wake/where",
    dst = "unix@" .. socket,
    headers = { ["x-prevs-host"] = { txn:get_var("txn.host") } },
    timeout = where_ms,
  })
  local status = answer and answer.status
  if status == 200 then
    txn:set_var("txn.asked", "1")
    txn:set_var("txn.dst", answer.body)
  elseif status == 404 then
    txn:unset_var("txn.dst")
  end
end

core.register_action("where", { "http-req" }, where, 0)
core.register_action("hold", { "http-req" }, hold, 0)
