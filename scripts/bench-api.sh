#!/bin/sh
# bench-api.sh [trigger] [list]: load on the HTTP front door over loopback, with wrk: requests a second, times, memory
# of the server before and after, and whether every task that was answered with 202 is in the queue.
#
# DURATION=30 seconds for each, CONNECTIONS=32, THREADS=2; DEBUG=1 measures a debug build. The databases lie in
# $TMPDIR, else /var/tmp: it must be a disk, not memory. Results go to stdout as a Markdown table.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "$0")/lib.sh"

command -v wrk >/dev/null 2>&1 || die "wrk is missing" "install the package wrk"
seconds=${DURATION:-30}
connections=${CONNECTIONS:-32}
threads=${THREADS:-2}
parts=${*:-trigger list}

[ -f ui/dist/index.html ] || scripts/ui.sh build >&2
if [ -n "${DEBUG:-}" ]; then
    say "building (debug)" >&2
    cargo build --quiet -p upkeep-ctl
    program=$target/debug/upkeepctl
else
    say "building (release)" >&2
    cargo build --quiet --release -p upkeep-ctl
    program=$target/release/upkeepctl
fi

home=$(mktemp -d "${TMPDIR:-/var/tmp}/upkeep-bench-api.XXXXXX")
# shellcheck source=server.sh
. scripts/server.sh
TOKEN=$(cat "$home/upkeep/api-token")
export TOKEN

memory() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$server/status"; }
queued() {
    curl -sS -H "Authorization: Bearer $TOKEN" "$address/api/tasks/count" | sed -n 's/.*"queued":\([0-9]*\).*/\1/p'
}

# every request is another task: the same one twice would be one
cat >"$home/trigger.lua" <<'LUA'
local threads = {}
function setup(thread)
    thread:set("number", #threads)
    table.insert(threads, thread)
end
function init()
    made, accepted = 0, 0
    headers = {
        ["Authorization"] = "Bearer " .. os.getenv("TOKEN"),
        ["Content-Type"] = "application/json",
    }
end
function request()
    made = made + 1
    local hours = number * 10000000 + made
    local body = string.format('{"max_age_hours":%d}', hours % 800000 + 1)
    local path = string.format("/api/system/maintenance/cleanup-runs?host=h%d-%d", number, made)
    return wrk.format("POST", path, headers, body)
end
function response(status)
    if status == 202 then accepted = accepted + 1 end
end
function done(summary, latency)
    local all = 0
    for _, thread in ipairs(threads) do all = all + thread:get("accepted") end
    local e = summary.errors
    io.write(string.format("RESULT %d %.0f %.2f %.2f %d %d\n", summary.requests,
        summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1000, latency:percentile(99) / 1000,
        e.status + e.connect + e.read + e.write + e.timeout, all))
end
LUA
sed -e '/^function request/,/^end/d' -e 's/status == 202/status == 200/' "$home/trigger.lua" >"$home/list.lua"
cat >>"$home/list.lua" <<'LUA'
function request()
    made = made + 1
    local filter = ({ "", "&states=queued", "&operations=cleanup-runs", "&requested_by=api" })[made % 4 + 1]
    return wrk.format("GET", "/api/tasks?limit=50" .. filter, headers)
end
LUA

echo "| what | requests | a second | p50 ms | p99 ms | errors | answered well | tasks before and after | RSS before and after, MB |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
failed=0
for part in $parts; do
    [ -f "$home/$part.lua" ] || die "there is no part \`$part\`" "there are trigger and list"
    # the first requests make the program's pages resident
    wrk -t1 -c4 -d2s -s "$home/list.lua" "$address" >/dev/null
    tasks_before=$(queued)
    memory_before=$(memory)
    result=$(wrk -t"$threads" -c"$connections" -d"${seconds}s" -s "$home/$part.lua" "$address" | sed -n 's/^RESULT //p')
    memory_after=$(memory)
    sleep 1
    tasks_after=$(queued)
    # shellcheck disable=SC2086 # the result is words
    set -- $result
    echo "| $part | $1 | $2 | $3 | $4 | $5 | $6 | $tasks_before, $tasks_after | $((memory_before / 1024)), $((memory_after / 1024)) |"
    [ "$5" -eq 0 ] || failed=1
    # what was under way when wrk ended may be there, too; what was answered must be
    if [ "$part" = trigger ] && [ $((tasks_after - tasks_before)) -lt "$6" ]; then
        die "$6 tasks were accepted, $((tasks_after - tasks_before)) are in the queue"
    fi
done
[ "$failed" -eq 0 ] || die "some requests were not answered well"
