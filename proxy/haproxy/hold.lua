-- What HAProxy's requests need from the controller. Arguments: the path of the internal API's socket (HTTP), the path
-- of the hold server's socket, and the longest hold in seconds.
--
-- lua.hold holds a request until the controller knows where its preview answers, or for as long as the client
-- prefers to be held (`Prefer: wait=10`, RFC 7240). The request waits in HAProxy, with its body, and then goes to
-- its destination once. txn.held is for how many seconds the request may be held, txn.request its id in the logs.
-- If a request comes for the second time, txn.refused is the task that refused its connection, and txn.peer the
-- client's own "address port ourport".
--
-- Each thread of HAProxy has a Lua state of its own. It numbers the requests that it holds, and has one connection
-- to the controller while it holds any. It sends a line for each request. Tabs separate the words, so that an empty
-- word keeps its place:
--     hold NUMBER HOST CLIENT PEER TASK REQUEST   the client's address, its connection ("ADDRESS PORT OURPORT": the
--                                             client's end and HAProxy's port), the task that refused its
--                                             connection or nothing, and the request's id
--     leave NUMBER                            the request waits no longer
--     next                                    all answers so far have been read
--     end                                     no request is held any more
-- The controller answers, once it knows,
--     NUMBER to ROUTE                         the map's value
--     NUMBER no                               the waiting room explains why
--     NUMBER later SECONDS BUDGET             whose budget of starts is used up, and when the client may come again
--     NUMBER gone                             the client has gone; drop its request
-- with an empty line after as many answers as fit into the buffer of a connection: HAProxy 3.0 reads no more for Lua
-- once that buffer was full. If a connection ends, a new one is made, and all held requests are sent again.
local internal, socket, longest = ...
local missed_at_most, pause_ms, where_ms = 60, 500, 2000

local held, last = {}, 0 -- by number: a request's line, the queue for its answer, its deadline
local watching = false
local outbox -- the queue of lines to the controller; nil while there is no connection

local function now()
  local time = core.now()
  return time.sec + time.usec / 1000000
end

local function finish(number, answer)
  local request = held[number]
  held[number] = nil
  if request then
    request.answers:push(answer)
  end
end

local function leave(number)
  if outbox and held[number] then
    outbox:push("leave\t" .. number .. "\n")
  end
  held[number] = nil
end

-- Sends lines to the controller until the connection ends.
local function send_lines(connection, lines)
  repeat
    local line = lines:pop_wait()
  until not line or not connection:send(line)
end

-- Reads the controller's answers until the connection ends.
local function read_answers(connection, lines)
  local line = connection:receive()
  while line do
    local number, answer = string.match(line, "^(%d+) (.+)$")
    if number then
      finish(tonumber(number), answer)
    else
      lines:push("next\n")
    end
    line = connection:receive()
  end
  lines:push(false)
  connection:close()
  if outbox == lines then
    outbox = nil
  end
end

local function connect()
  local connection = core.tcp()
  local connected = connection:connect("unix@" .. socket)
  local lines = core.queue()
  for number, request in pairs(held) do
    request.missed = connected and 0 or request.missed + 1
    if request.missed >= missed_at_most then
      finish(number, "no")
    end
    lines:push(request.line)
  end
  if connected then
    outbox = lines
    core.register_task(send_lines, connection, lines)
    core.register_task(read_answers, connection, lines)
  end
end

-- Keeps a connection and the deadlines while any request is held.
local function watch()
  while next(held) do
    if not outbox then
      connect()
    end
    local time = now()
    for number, request in pairs(held) do
      if time >= request.deadline then
        leave(number)
        request.answers:push("no")
      end
    end
    core.msleep(pause_ms)
  end
  watching = false
  if outbox then
    outbox:push("end\n")
    outbox = nil
  end
end

local function hold_seconds(txn)
  local prefer = "," .. string.lower(txn.f:req_fhdr("prefer") or "")
  local seconds = string.match(prefer, '[,;%s]wait%s*=%s*"?(%d+)') or longest
  -- At least a second, so that the preview is requested.
  return math.min(math.max(tonumber(seconds), 1), tonumber(longest))
end

local function hold(txn)
  local seconds, f = hold_seconds(txn), txn.f
  last = last + 1
  local number, answers = last, core.queue()
  local peer = txn:get_var("txn.peer") or table.concat({ f:fc_src(), f:fc_src_port(), f:fc_dst_port() }, " ")
  local refused = txn:get_var("txn.refused") or ""
  local request = txn:get_var("txn.request") or f:uuid()
  txn:set_var("txn.request", request)
  local words = { "hold", number, txn:get_var("txn.host"), f:src(), peer, refused, request }
  local line = table.concat(words, "\t") .. "\n"
  held[number] = { line = line, answers = answers, deadline = now() + seconds, missed = 0 }
  if outbox then
    outbox:push(line)
  elseif not watching then
    watching = true
    core.register_task(watch)
  end
  txn:set_var("txn.held", string.format("%d", seconds))
  -- If HAProxy notices that the client has gone, it skips the rest of this function and goes on with the next rule.
  -- It logs that as "yield not allowed": https://github.com/haproxy/haproxy/issues/3002
  txn:set_var("txn.gone", number)
  local answer, value = string.match(answers:pop_wait(), "^(%l+) ?(.*)$")
  if answer == "gone" then
    return
  end
  txn:unset_var("txn.gone")
  if answer == "to" then
    txn:set_var("txn.answered", "1")
    txn:set_var("txn.dst", value)
  elseif answer == "later" then
    txn:set_var("txn.later", value)
  end
end

-- lua.left forgets a request whose client has gone.
local function left(txn)
  leave(txn:get_var("txn.gone"))
end

-- Returns what a gate's rules may ask about a request, as proxy/model/gate_requests.py reads it; nothing at other hosts.
local function describe(txn)
  local site = txn:get_var("txn.site")
  if not site then
    return ""
  end
  local named = txn:get_var("txn.named") or ""
  local lot = txn:get_var("txn.lot") or txn:get_var("sess.lot") or ""
  local own = { ":site: " .. site, ":method: " .. txn.f:method(), ":url: " .. (txn.f:pathq() or ""), ":lot: " .. lot }
  return txn.f:req_hdrs() .. named .. "\r\n" .. table.concat(own, "\r\n")
end

-- lua.where gets the current route of a host from the controller, who may look at its app, and whether the request's pass
-- opens it; at a gate, also what its rules choose now, as choose.lua gives it. A replaced process needs that, as its own
-- maps do not change any more.
local function where(txn)
  local answer = core.httpclient():post({
    url = "http://wake/where",
    dst = "unix@" .. internal,
    headers = {
      ["x-prevs-host"] = { txn:get_var("txn.host") },
      ["x-prevs-pass"] = { txn:get_var("txn.pass") or "" },
      ["x-prevs-site"] = { txn:get_var("txn.site") or "" },
      ["x-prevs-choice"] = { txn:get_var("txn.choice") or "" },
    },
    body = describe(txn),
    timeout = where_ms,
  })
  local status = answer and answer.status
  if status ~= 200 and status ~= 404 then
    return
  end
  local headers = answer.headers
  for _, name in ipairs({ "txn.access", "txn.in", "txn.dst" }) do
    txn:unset_var(name)
  end
  txn:set_var("txn.decided", "1")
  if headers["x-prevs-choice"] then
    local choice = headers["x-prevs-choice"][0]
    txn:set_var("txn.choice", choice)
    txn:set_var("txn.host", string.match(choice, "^[^|]*"))
  end
  if headers["x-prevs-app"] then
    txn:set_var("txn.access", headers["x-prevs-app"][0])
  end
  if headers["x-prevs-in"] then
    txn:set_var("txn.in", "1")
  end
  -- Paths below /_prevs/ are the waiting room's.
  if status == 200 and string.sub(txn.f:path() or "", 1, 8) ~= "/_prevs/" then
    txn:set_var("txn.answered", "1")
    txn:set_var("txn.dst", answer.body)
  end
end

core.register_action("where", { "http-req" }, where, 0)
core.register_action("hold", { "http-req" }, hold, 0)
core.register_action("left", { "http-req" }, left, 0)
