-- Polls random subscriptions. Arguments: file of "<token> <ETag>" lines, what to send
-- (poll = with If-None-Match, feed = without, gzip = without and compressed), how many requests to
-- have ready where that is not one for each line, a seed. hello = what a poll sends, to /: the
-- yardstick costs the load generator and the server's parser as much as a poll. So can few
-- subscriptions: each request has a number, so that a thousand of them too are as many texts as
-- wanted. A small table would stay in the processor's cache, and make this side faster.
local requests = {}

function init(args)
   math.randomseed(tonumber(args[#args]))
   local lines = {}
   for line in io.lines(args[1]) do lines[#lines + 1] = line end
   for number = 1, args[4] and tonumber(args[3]) or #lines do
      local token, etag = lines[(number - 1) % #lines + 1]:match("^(%S+) (.+)$")
      local headers = { ["User-Agent"] = "AntennaPod/3.4.0", ["X-Number"] = tostring(number) }
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
