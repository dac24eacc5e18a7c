-- lua.choose chooses a label for a request to a gate where gates.cfg.j2 leaves that open, as `choose` does in
-- prevs/gate_rules.py. Arguments: the files of the maps, whose layout is in proxy/model/gate_entries.py. All that rules
-- ask for is data in these maps, also the names of headers, so a changed gate never needs another configuration.
--
-- It is a converter: for each call of an action or a fetch, HAProxy makes a dozen tables, in 22,000 instructions. So it
-- sees only what it is given. The first line has the method, and what the path leads to; the second one has the URL. The
-- headers follow as HAProxy writes them; then :site is the gate's host and :lot is of the client's address, and the last
-- ones of a name are x-prevs-ref and x-prevs-stack. It returns HOST|VARY|LOT|REFUSAL: the label's host,
-- what is for the header Vary, a new lot for the client's cookie. For a request that leads nowhere the label is -, and the
-- refusal has the cause and what it is about. In a variant of a stack |VARIANT|GATE|= is behind it, which ends no other answer.
local gates_file, paths_file, values_file, lots_file = ...
local gates, paths = Map.new(gates_file, Map._str), Map.new(paths_file, Map._beg)
local values, lots = Map.new(values_file, Map._str), Map.new(lots_file, Map._beg)
local lookup = gates.lookup
-- A pattern costs 50 instructions for each character, a plain search 2.
local find, match, gmatch, sub, byte = string.find, string.match, string.gmatch, string.sub, string.byte
local lower, format, random = string.lower, string.format, math.random
local tries, plans_at_most = 5, 1000
local equals, question, plus, star, dollar, at = byte("=?+*$@", 1, 6)
-- What is kept is looked at again when four times as much is in memory, not twice: a request leaves little behind.
collectgarbage("setpause", 400)

-- Returns a header's value, the last one of several, or nil. `line` is "\nname: ".
local function read_header(asked, line)
  local _, from = find(asked, line, 1, true)
  if not from then
    return nil
  end
  local _, again = find(asked, line, from, true)
  while again do
    from = again
    _, again = find(asked, line, from, true)
  end
  return sub(asked, from + 1, (find(asked, "\r", from, true) or 0) - 1)
end

-- Returns the value behind a name and =, where `separator` is before it, and where it ends; or nil.
local function read_pair(text, start, separator, from)
  while true do
    local at, last = find(text, start, from, true)
    if not at then
      return nil
    end
    local before = at - 1
    while byte(text, before) == 32 do
      before = before - 1
    end
    if before == 0 or sub(text, before, before) == separator then
      local stop = find(text, separator, last, true) or 0
      return sub(text, last + 1, stop - 1), stop
    end
    from = last
  end
end

-- Returns the value of a pair in a header, the last one of several, or nil. `start` is "name=".
local function read_last(asked, line, start, separator)
  local text = read_header(asked, line)
  local value, found, stop = nil, nil, 1
  while text and stop > 0 do
    found, stop = read_pair(text, start, separator, stop)
    if not found then
      return value
    end
    value = found
  end
  return value
end

local function read_method(asked)
  return sub(asked, 1, find(asked, " ", 1, true) - 1)
end

-- Returns where the URL begins and ends.
local function find_url(asked)
  local before = find(asked, "\n", 1, true)
  return before + 1, find(asked, "\n", before + 1, true) - 1
end

local function read_cookie(asked, start)
  return read_last(asked, "\ncookie: ", start, ";")
end

-- Returns a parameter's value, the first one of several, or nil. `start` is "name=".
local function read_parameter(asked, start)
  local from, to = find_url(asked)
  local mark = find(asked, "?", from, true)
  return mark and mark <= to and read_pair(sub(asked, mark + 1, to), start, "&", 1)
end

local function read_type(asked, line)
  local value = lower(read_header(asked, line) or "")
  local _, before = find(value, "vnd.", 1, true)
  return before and match(value, "^[^;, \t]*", before + 1)
end

-- By the first letter of a criterion: what reads it, and what that needs. A plan knows its method.
local readers = { a = read_type, h = read_header, c = read_cookie, q = read_parameter }
local forms = { a = "\naccept: ", h = "\n%s: ", c = "%s=", q = "%s=" }
local overrides = { h = "\nx-prevs-ref: ", q = "prevs-ref=", c = "prevs-ref=" }

local function is_label(text)
  return #text <= 63 and find(text, "^[a-z0-9-]+$") and not find(text, "^-") and not find(text, "-$")
end

local function is_class(text)
  local first = byte(text)
  return first == plus or first == star or first == dollar or first == at
end

-- Returns a plan for a line: a method, a space and a text that says what a path leads to. It is always the same one.
local function make_plan(line)
  local method, text = match(line, "^(%S*) (.*)$")
  if byte(text, -1) == equals then
    return { answer = text }
  elseif text == "?" then
    return { is_unknown = true }
  end
  text = byte(text) == question and sub(text, 2) or text
  local to, vary, allowed, rest, criteria, home, variants =
    match(text, "^([^|]*)|?([^|]*)|?([^|]*)|?([^|]*)|?([^|]*)|?([^|]*)|?(.*)$")
  local plan = { vary = vary, allowed = allowed, rest = rest, home = home }
  plan.default = is_class(to) and to or to ~= "" and to .. "|" .. vary or nil
  if variants ~= "" then
    plan.variants, plan.gate = variants, match(variants, "^[^|]*")
  end
  for strict, letter, name in gmatch(criteria, "(!?)(%l)([^,]*)") do
    local entry = to .. "|" .. letter .. name .. "="
    plan[#plan + 1] = {
      key = letter == "m" and entry .. method or nil,
      read = readers[letter],
      what = forms[letter] and format(forms[letter], name),
      entry = entry,
      refusal = strict ~= "" and "unknown-version " .. letter .. name or nil,
    }
  end
  return plan
end

local plans, count = {}, 0

local function find_plan(line)
  local plan = plans[line]
  if not plan then
    if count >= plans_at_most then
      plans, count = {}, 0
    end
    plan, count = make_plan(line), count + 1
    plans[line] = plan
  end
  return plan
end

-- Returns what leads to the target that has the client's lot, or nil. A client without a cookie is to keep a new lot.
local function draw(asked, class)
  if byte(class) ~= at then
    return lookup(lots, class .. "|w" .. read_header(asked, "\n:lot: "))
  end
  local lot = read_cookie(asked, "prevs-lot=")
  if lot and #lot == 4 and find(lot, "^%d%d%d%d$") then
    return lookup(lots, class .. "|w" .. lot)
  end
  lot = format("%04d", random(0, 9999))
  local found = lookup(lots, class .. "|w" .. lot)
  return found and sub(found, 1, -3) .. lot .. "|"
end

-- Returns an answer or a class, or nil; and what is refused if that leads nowhere.
local function ask(asked, plan)
  local refusal
  for place = 1, #plan do
    local step = plan[place]
    local key = step.key
    if not key then
      local value = step.read(asked, step.what)
      key = value and value ~= "" and step.entry .. value
    end
    if key then
      local found = lookup(values, key)
      if found then
        return found, "no-rule"
      end
      refusal = refusal or step.refusal
    end
  end
  if refusal then
    return nil, refusal
  end
  return plan.default, "no-rule"
end

-- Returns the host to which a variant leads that the request names, and its name; or nil.
local function find_variant(asked, plan)
  local name = read_header(asked, "\nx-prevs-stack: ")
  local host = name and lookup(values, plan.variants .. name)
  if host then
    return host, name
  end
  name = read_last(asked, "\nbaggage: ", "prevs-stack=", ",")
  name = name and sub(name, 1, (find(name, ";", 1, true) or 0) - 1)
  host = name and lookup(values, plan.variants .. name)
  return host, host and name
end

-- Returns the answer, or nil and what is refused.
local function choose(asked, plan)
  if plan.variants then
    local host, variant = find_variant(asked, plan)
    if host then
      return host .. "|" .. plan.vary .. "|||" .. variant .. "|" .. plan.gate .. "|="
    end
  end
  if plan.allowed ~= "" then
    for kind in gmatch(plan.allowed, ".") do
      local ref = readers[kind](asked, overrides[kind])
      if ref and ref ~= "" then
        return is_label(ref) and ref .. "." .. plan.rest .. "|" .. plan.vary, "invalid-override " .. kind
      end
    end
  end
  local found, refusal = ask(asked, plan)
  if found and is_class(found) then
    found = draw(asked, found)
  end
  return found, refusal
end

-- Paths below /_prevs/ are the pages of a label: of the one that a page names, or of the gate's first.
local function choose_page(asked, plan)
  local ref = read_parameter(asked, "prevs-ref=")
  return (ref and is_label(ref) and ref or plan.home) .. "." .. plan.rest .. "|"
end

-- Returns what the rules in force say of the request's path, and of all that has no rule.
local function look_up(asked, gate)
  local about = lookup(values, gate .. "|")
  local url = sub(asked, find_url(asked))
  local path = match(url, "^/[^?]*") or ""
  return about and (lookup(paths, gate .. path .. "/") or about), about, find(url, "/_prevs/", 1, true) == 1
end

-- While something is chosen, another revision may come in force, and the entries of the one before go.
local function choose_anew(asked)
  local site = read_header(asked, "\n:site: ")
  for _ = 1, tries do
    local gate = lookup(gates, site)
    local text, about, is_page = look_up(asked, gate or "")
    if text then
      local plan = find_plan(read_method(asked) .. " " .. (is_page and about or text))
      local found, refusal = is_page and choose_page(asked, plan) or plan.answer
      if not found then
        found, refusal = choose(asked, plan)
      end
      if lookup(gates, site) == gate then
        return found or "-." .. plan.rest .. "|" .. plan.vary .. "||" .. refusal
      end
    end
  end
  return site .. "|"
end

local function answer(asked)
  local stop = find(asked, "\n", 1, true)
  local plan = find_plan(sub(asked, 1, stop - 1))
  if plan.answer then
    return plan.answer
  end
  if not plan.is_unknown then
    local found = choose(asked, plan)
    -- The entries of lots go first. So if there is one, all was there that could have led elsewhere.
    if found then
      return found
    end
  end
  return choose_anew(asked)
end

-- HAProxy counts the instructions of the coroutine that it makes for a call, so each of them costs ten times as much.
-- One that was made before has none of that, and needs none: nothing here takes long.
local function work(asked)
  while true do
    asked = coroutine.yield(answer(asked))
  end
end

local worker = coroutine.create(work)

core.register_converters("choose", function(asked)
  local done, found = coroutine.resume(worker, asked)
  if not done then
    core.log(core.err, "choose.lua: " .. tostring(found))
    worker = coroutine.create(work)
    return "|"
  end
  return found
end)
