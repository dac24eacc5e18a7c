-- Holds a request until the waiting room's wake socket says where its preview answers.
--
-- Arguments: the path of that socket, and the longest hold in seconds. The request waits in HAProxy, body
-- and all, and then goes to its destination once. An answer of 200 is the map's value, 204 means "not
-- yet, ask again", 409 "no": the request then goes to the waiting room, which says why. Anything else
-- means that the controller is being started again.
local socket, longest = ...
local missed_at_most, pause_ms, answer_ms = 60, 500, 30000

local function hold(txn)
  local host = txn:get_var("txn.host")
  local request = {
    url = "http://wake/wake",
    dst = "unix@" .. socket,
    headers = { ["x-prevs-host"] = { host } },
    timeout = answer_ms,
  }
  local deadline = core.now().sec + tonumber(longest)
  local missed = 0
  txn:set_var("txn.held", "1")
  while core.now().sec < deadline and missed < missed_at_most do
    local answer = core.httpclient():get(request)
    local status = answer and answer.status
    if status == 200 then
      txn:set_var("txn.dst", answer.body)
      return
    elseif status == 409 then
      return
    elseif status == 204 then
      missed = 0
    else
      missed = missed + 1
      core.msleep(pause_ms)
    end
  end
end

core.register_action("hold", { "http-req" }, hold, 0)
