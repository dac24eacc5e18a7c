-- What requests ask of the controller. Arguments: the path of the wake socket (HTTP), that of the socket for
-- those that are held, and the longest hold in seconds.
--
-- lua.hold holds a request until the controller says where its preview answers, or for as long as the client
-- wants to be held (`Prefer: wait=10`, RFC 7240). The request waits in HAProxy, body and all, and then goes to
-- its destination once. txn.held is for how many seconds the request was to be held, txn.request its id, by which logs
-- tell of it. Where one comes for the second time, txn.refused is the task that took no connection, and txn.peer the
-- client's own "address port".
--
-- Each thread of HAProxy has a Lua of its own. It numbers what it holds, and has one connection to the
-- controller while it holds something. To the controller goes a line for each request, with a tab between any
-- two of its words, so that an empty one keeps its place:
--     hold NUMBER HOST CLIENT PEER TASK REQUEST   a client's address, and that of the connection's other end
--                                             ("ADDRESS PORT"); the task that took no connection from it, or nothing;
--                                             the request's id
--     leave NUMBER                            it waits no longer
--     next                                    the answers so far have been read
--     end                                     nothing is held any more
-- and back comes, once it is known,
--     NUMBER to ROUTE                         the map's value
--     NUMBER no                               the waiting room says why
--     NUMBER later SECONDS BUDGET             too many were asked for, and by whom; it may come again then
--     NUMBER gone                             the client has gone, and its request goes nowhere
-- with an empty line after so many that the buffer of a connection takes them: HAProxy 3.0 reads no more
-- for Lua once that was full. A connection that ends is made anew, and all that is held is asked for again.
local wake, socket, longest = ...
local missed_at_most, pause_ms, where_ms = 60, 500, 2000

local held, last = {}, 0 -- by number: what is told of a request, where its answer is put, until when it waits
local asking = false
local news -- the queue of what the controller is to be told; nil while there is no connection

local function now()
  local time = core.now()
  return time.sec + time.usec / 1000000
end

local function let_go(number, answer)
  local request = held[number]
  held[number] = nil
  if request then
    request.answers:push(answer)
  end
end

local function leave(number)
  if news and held[number] then
    news:push("leave\t" .. number .. "\n")
  end
  held[number] = nil
end

-- Tells the controller what is new, until the connection ends.
local function tell(connection, lines)
  repeat
    local line = lines:pop_wait()
  until not line or not connection:send(line)
end

-- Takes the controller's answers, until the connection ends.
local function listen(connection, lines)
  local line = connection:receive()
  while line do
    local number, answer = string.match(line, "^(%d+) (.+)$")
    if number then
      let_go(tonumber(number), answer)
    else
      lines:push("next\n")
    end
    line = connection:receive()
  end
  lines:push(false)
  connection:close()
  if news == lines then
    news = nil
  end
end

local function connect()
  local connection = core.tcp()
  local connected = connection:connect("unix@" .. socket)
  local lines = core.queue()
  for number, request in pairs(held) do
    request.missed = connected and 0 or request.missed + 1
    if request.missed >= missed_at_most then
      let_go(number, "no")
    end
    lines:push(request.line)
  end
  if connected then
    news = lines
    core.register_task(tell, connection, lines)
    core.register_task(listen, connection, lines)
  end
end

-- Looks after what is held, as long as there is anything.
local function ask()
  while next(held) do
    if not news then
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
  asking = false
  if news then
    news:push("end\n")
    news = nil
  end
end

local function patience(txn)
  local prefer = "," .. string.lower(txn.f:req_fhdr("prefer") or "")
  local seconds = string.match(prefer, '[,;%s]wait%s*=%s*"?(%d+)') or longest
  -- A second at least: in it the preview is asked for.
  return math.min(math.max(tonumber(seconds), 1), tonumber(longest))
end

local function hold(txn)
  local seconds, f = patience(txn), txn.f
  last = last + 1
  local number, answers = last, core.queue()
  local peer = txn:get_var("txn.peer") or f:fc_src() .. " " .. f:fc_src_port()
  local refused = txn:get_var("txn.refused") or ""
  local request = txn:get_var("txn.request") or f:uuid()
  txn:set_var("txn.request", request)
  local words = { "hold", number, txn:get_var("txn.host"), f:src(), peer, refused, request }
  local line = table.concat(words, "\t") .. "\n"
  held[number] = { line = line, answers = answers, deadline = now() + seconds, missed = 0 }
  if news then
    news:push(line)
  elseif not asking then
    asking = true
    core.register_task(ask)
  end
  txn:set_var("txn.held", string.format("%d", seconds))
  -- Where HAProxy sees that the client has gone, it goes on without the rest of this.
  txn:set_var("txn.gone", number)
  local answer, value = string.match(answers:pop_wait(), "^(%l+) ?(.*)$")
  if answer == "gone" then
    return
  end
  txn:unset_var("txn.gone")
  if answer == "to" then
    txn:set_var("txn.asked", "1")
    txn:set_var("txn.dst", value)
  elseif answer == "later" then
    txn:set_var("txn.later", value)
  end
end

-- lua.left forgets a request whose client has gone.
local function left(txn)
  leave(txn:get_var("txn.gone"))
end

-- lua.where asks where a host leads now: what a process that was replaced has to do, as its own map changes
-- no more.
local function where(txn)
  local answer = core.httpclient():get({
    url = "http://wake/where",
    dst = "unix@" .. wake,
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
core.register_action("left", { "http-req" }, left, 0)
