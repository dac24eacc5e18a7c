-- The script with which bench/proxy/load.py runs wrk; it prints the result as JSON. With two arguments (apps, and
-- previews of each) every request goes to a random one of these hosts. With one, every request uploads that many bytes. With
-- the name of a file, each is a random line of it: a host, a path, and a value of the header X-Version, or a - for none.
local function read(file)
  local made = {}
  for line in io.lines(file) do
    local host, path, version = string.match(line, "^(%S+) (%S+) (%S+)$")
    made[#made + 1] = wrk.format("GET", path, { Host = host, ["X-Version"] = version ~= "-" and version or nil })
  end
  return made
end

function init(args)
  local first, each = tonumber(args[1]), tonumber(args[2])
  if args[1] and not first then
    local made = read(args[1])
    request = function()
      return made[math.random(#made)]
    end
  elseif first and not each then
    wrk.method, wrk.body = "POST", string.rep("x", first)
  elseif first then
    request = function()
      wrk.headers["Host"] = string.format("branch-%d.app%d.localhost", math.random(each) - 1, math.random(first) - 1)
      return wrk.format()
    end
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('{"requests": %d, "us": %d, "p50_us": %d, "p99_us": %d, "errors": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
