-- lua.choose chooses a label for a request to a gate, as `choose` does in prevs/gate_rules.py. Arguments: the files of
-- the maps, whose layout is in proxy/model/gate_entries.py. All that rules ask for is data in these maps, also the names
-- of headers, so a changed gate never needs another configuration.
--
-- In: txn.site, the host that was asked for; txn.ref, the header X-Prevs-Ref. It is not called if the path alone decides.
-- Out: txn.host is the label's, txn.vary is for the header Vary, and txn.lot a new lot for the client's cookie. If the
-- request leads nowhere, txn.host stays: txn.refusal has the cause and what it is about, and txn.app the gate's app.
local gates_file, paths_file, values_file, lots_file = ...
local gates, paths = Map.new(gates_file, Map._str), Map.new(paths_file, Map._beg)
local values, lots = Map.new(values_file, Map._str), Map.new(lots_file, Map._beg)
local lookup = gates.lookup
local find, match, sub, lower = string.find, string.match, string.sub, string.lower
local tries = 5

-- By the first letter of a criterion. Of several headers or cookies the last one counts, of several parameters the first.
local readers = {
  m = function(f)
    return f:method()
  end,
  a = function(f)
    return match(lower(f:req_fhdr("accept") or ""), "vnd%.([^;, \t]*)")
  end,
  h = function(f, name)
    return f:req_fhdr(name)
  end,
  c = function(f, name)
    return f:req_cook(name)
  end,
  q = function(f, name)
    return f:url_param(name)
  end,
}

local function is_label(text)
  return #text <= 63 and find(text, "^[a-z0-9-]+$") and not find(text, "^-") and not find(text, "-$")
end

-- Returns what the request names itself, and how, if the gate allows that.
local function read_override(txn, allowed)
  local f, ref = txn.f, nil
  if find(allowed, "h", 1, true) then
    ref = txn:get_var("txn.ref")
    if ref and ref ~= "" then
      return ref, "h"
    end
  end
  if find(allowed, "q", 1, true) then
    ref = f:url_param("prevs-ref")
    if ref and ref ~= "" then
      return ref, "q"
    end
  end
  if find(allowed, "c", 1, true) then
    ref = f:req_cook("prevs-ref")
    if ref and ref ~= "" then
      return ref, "c"
    end
  end
end

-- Returns the host of the target that has the client's lot, and the lot if the client is to keep it.
local function draw(f, converters, class)
  if sub(class, -2) ~= "c|" then
    -- A client with IPv6 has a whole network, and takes another address every day.
    local lot = converters:xxh32(converters:ipmask(f:src(), 32, 64)) % 10000
    return lookup(lots, string.format("%sw%04d", class, lot))
  end
  local lot = f:req_cook("prevs-lot")
  if lot and find(lot, "^%d%d%d%d$") then
    return lookup(lots, class .. "w" .. lot)
  end
  lot = string.format("%04d", f:rand(10000))
  return lookup(lots, class .. "w" .. lot), lot
end

-- Returns a host or a class for a class with criteria, or nil and what is refused.
local function ask(f, class, criteria)
  local refused
  for strict, key in string.gmatch(criteria, "(!?)([^,]+)") do
    local value = readers[sub(key, 1, 1)](f, sub(key, 2))
    if value and value ~= "" then
      local found = lookup(values, class .. key .. "=" .. value)
      if found then
        return found
      end
      refused = refused or strict ~= "" and key or nil
    end
  end
  if refused then
    return nil, "unknown-version " .. refused
  end
  return class
end

-- Returns the label's host or nil, Vary, a lot to keep, what is refused.
local function choose(txn, gate, rest, allowed, vary)
  local f = txn.f
  local path = f:path() or ""
  local to = lookup(paths, gate .. (sub(path, 1, 1) == "/" and path or "") .. "/")
  local is_class = to and sub(to, 1, 1) == "+"
  if to and not is_class then
    to = match(to, "^[^=]*")
  end
  local criteria = ""
  if is_class then
    vary, criteria = match(lookup(values, to) or "|", "^(.-)|(.*)$")
  end
  local ref, kind = read_override(txn, allowed)
  if ref then
    if is_label(ref) then
      return ref .. "." .. rest, vary
    end
    return nil, vary, nil, "invalid-override " .. kind
  end
  local refusal
  if is_class then
    to, refusal = ask(f, to, criteria)
  end
  if to and sub(to, 1, 1) == "+" then
    local host, lot = draw(f, txn.c, to)
    return host, vary, lot, "no-rule"
  end
  return to, vary, nil, refusal or "no-rule"
end

-- Paths below /_prevs/ are the pages of a label: of the one that a page names, or of the gate's first.
local function choose_page(f, rest, home)
  local ref = f:url_param("prevs-ref")
  return (ref and is_label(ref) and ref or home) .. "." .. rest
end

local function act(txn)
  local site = txn:get_var("txn.site")
  for _ = 1, tries do
    local gate = lookup(gates, site)
    local about = gate and lookup(values, gate .. "|")
    if about then
      local rest, home, allowed, vary = match(about, "^(.-)|(.-)|(.-)|(.*)$")
      local host, lot, refusal
      if find(txn.f:path() or "", "^/_prevs/") then
        host, vary = choose_page(txn.f, rest, home), ""
      else
        host, vary, lot, refusal = choose(txn, gate, rest, allowed, vary)
      end
      -- While it was chosen, another revision may have come in force, and the entries of this one be gone.
      if lookup(gates, site) == gate then
        if vary ~= "" then
          txn:set_var("txn.vary", vary)
        end
        if lot then
          txn:set_var("txn.lot", lot)
        end
        if host then
          txn:set_var("txn.host", host)
        else
          txn:set_var("txn.refusal", refusal)
          txn:set_var("txn.app", match(rest, "^[^.]*"))
        end
        return
      end
    end
  end
end

core.register_action("choose", { "http-req" }, act, 0)
