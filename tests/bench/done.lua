-- One line that a program reads: requests per second, 99th percentile in ms, failures.
function done(summary, latency)
   local errors = summary.errors
   print(string.format("BENCH %.1f %.2f %d", summary.requests / (summary.duration / 1e6),
      latency:percentile(99) / 1000,
      errors.connect + errors.read + errors.write + errors.timeout + errors.status))
end
