-- Polls random subscriptions. Arguments: file of "<token> <ETag>" lines, what to send
-- (poll = with If-None-Match, feed = without, gzip = without and compressed), a seed. hello = what a
-- poll sends, to /: the yardstick costs the load generator and the server's parser as much as a poll.
local requests = {}

function init(args)
   math.randomseed(tonumber(args[3]))
   for line in io.lines(args[1]) do
      local token, etag = line:match("^(%S+) (.+)$")
      local headers = { ["User-Agent"] = "AntennaPod/3.4.0" }
      if args[2] == "poll" or args[2] == "hello" then headers["If-None-Match"] = etag end
      if args[2] == "gzip" then headers["Accept-Encoding"] = "gzip" end
      local path = args[2] == "hello" and "/" or "/f/" .. token .. ".xml"
      requests[#requests + 1] = wrk.format("GET", path, headers)
   end
end

function request()
   return requests[math.random(#requests)]
end
-- One line that a program reads: requests per second, 99th percentile in ms, failures.
function done(summary, latency)
   local errors = summary.errors
   print(string.format("BENCH %.1f %.2f %d", summary.requests / (summary.duration / 1e6),
      latency:percentile(99) / 1000,
      errors.connect + errors.read + errors.write + errors.timeout + errors.status))
end
