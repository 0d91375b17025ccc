-- Polls random subscriptions at a steady pace, as apps all over the country do. Arguments: file of
-- "<token> <ETag>" lines, mean milliseconds between two polls of one connection, a seed.
local requests, mean, count = {}, 0, 0

function setup(thread)
   count = count + 1
   thread:set("number", count)
end

function init(args)
   math.randomseed(tonumber(args[3]) + number)
   mean = tonumber(args[2])
   for line in io.lines(args[1]) do
      local token, etag = line:match("^(%S+) (.+)$")
      local headers = { ["User-Agent"] = "AntennaPod/3.4.0", ["If-None-Match"] = etag }
      requests[#requests + 1] = wrk.format("GET", "/f/" .. token .. ".xml", headers)
   end
end

function request()
   return requests[math.random(#requests)]
end

-- Apps know nothing of each other: times between polls are exponential.
function delay()
   return math.floor(-mean * math.log(1 - math.random()))
end

-- One line that a program reads: requests per second; median, 99th percentile, worst in ms; failures.
function done(summary, latency)
   local errors = summary.errors
   print(string.format("STEADY %.1f %.2f %.2f %.2f %d", summary.requests / (summary.duration / 1e6),
      latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000,
      errors.connect + errors.read + errors.write + errors.timeout + errors.status))
end
