-- Asks for recordings of random subscriptions. Arguments: file of "<token> <ETag>" lines, file of what comes
-- behind `/a/<token>/` (or, with "plain", of whole paths), audio or plain, a seed.
local paths, tokens = {}, {}
local kind

local function read(name, pattern, into)
   for line in io.lines(name) do into[#into + 1] = line:match(pattern) end
end

function init(args)
   read(args[1], "^(%S+)", tokens)
   read(args[2], "^(%S+)", paths)
   kind = args[3]
   math.randomseed(tonumber(args[4]))
end

function request()
   local path = paths[math.random(#paths)]
   if kind == "audio" then path = "/a/" .. tokens[math.random(#tokens)] .. "/" .. path end
   return wrk.format("GET", path, { ["User-Agent"] = "AntennaPod/3.4.0" })
end
-- One line that a program reads: requests per second, 99th percentile in ms, failures.
function done(summary, latency)
   local errors = summary.errors
   print(string.format("BENCH %.1f %.2f %d", summary.requests / (summary.duration / 1e6),
      latency:percentile(99) / 1000,
      errors.connect + errors.read + errors.write + errors.timeout + errors.status))
end
