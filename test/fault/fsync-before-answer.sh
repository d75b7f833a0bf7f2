#!/usr/bin/env bash
# Shows that a callback is answered only after its change is on disk.
#
# The service runs under strace between the two simulators; the Autotask simulator posts one signed callback to it.
# In the trace, the write of the "202" to the socket must begin after the journal's file has taken the change and was
# flushed: a write to a file opened with O_SYNC that has returned, or a write followed by an fsync that has returned.
#
# Exit code: 0 when it is so, and the lines of the trace that show it are printed; 1 otherwise, with the reason.
# Needs strace and curl, no network beyond loopback, and leaves nothing behind.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

work=$(mktemp -d)
pids=()
traced='' # process id of the service

clean() {
  local status=$? pid
  trap - EXIT INT TERM
  # strace takes no signals while it traces; it ends with the service.
  for pid in "${pids[@]}" $traced; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
  exit "$status"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
  echo "fsync-before-answer: $1" >&2
  exit 1
}

# eventually WHAT COMMAND...: repeats the command until it works, for at most 60 s.
eventually() {
  local what=$1 end=$((SECONDS + 60))
  shift
  until "$@"; do
    if [ "$SECONDS" -ge "$end" ]; then
      tail -n 20 "$work"/*.log >&2
      fail "$what: not within 60 s"
    fi
    sleep 0.1
  done
}

# said FILE PATTERN: sets $value to what the group in PATTERN first matched in FILE.
said() { value=$(sed -nE "s#.*$2.*#\\1#p" "$1" | head -n 1) && [ -n "$value" ]; }

for need in strace curl; do
  command -v "$need" >/dev/null || fail "$need is not installed"
done
CGO_ENABLED=0 go build -trimpath -o "$work/bin/" ./cmd/channelsync ./test/sim/autotask ./test/sim/channelprogram

"$work/bin/autotask" --listen 127.0.0.1:0 --companies 3 >"$work/autotask.log" 2>&1 &
pids+=($!)
"$work/bin/channelprogram" --listen 127.0.0.1:0 >"$work/channelprogram.log" 2>&1 &
pids+=($!)
eventually 'the Autotask simulator' said "$work/autotask.log" 'base URL +http://([0-9.:]+)/'
autotask=$value
eventually 'the Channel Program simulator' said "$work/channelprogram.log" 'ingest API +http://([0-9.:]+)'
target=$value

# The address that Autotask posts to must be known before the service listens on it. A port that somebody else took
# in between is noticed when the service starts, and another one is tried.
serve() {
  local port=$((20000 + RANDOM % 12000))
  callbacks=127.0.0.1:$port
  rm -f "$work/channelsync.log" "$work/pid"
  # The trace follows every thread (-f) and names the files behind descriptors (-y). -s shows enough of the data to
  # find the change and the answer in it.
  strace -f -y -tt -s 400 -o "$work/trace" \
    -e trace=openat,write,pwrite64,writev,pwritev,sendto,fsync,fdatasync \
    sh -c 'echo $$ >"$0/pid"; exec "$0/bin/channelsync" serve "$@"' "$work" \
    --callback-listen "$callbacks" --admin-listen 127.0.0.1:0 --public-url "http://$callbacks" \
    --data-dir "$work/data" --admin-token fsync-before-answer-of-this-test --log-format json \
    --autotask-allow-hosts "$autotask" --autotask-discovery-url "http://$autotask/atservicesrest" \
    --channel-program-url "http://$target" >"$work/channelsync.log" 2>&1 &
  tracer=$!
  eventually 'the service' answers_or_ended
  traced=$(<"$work/pid")
}
answers_or_ended() { [ -s "$work/channelsync.log" ] && said "$work/channelsync.log" '"admin":"([0-9.:]+)"' || ! kill -0 "$tracer" 2>/dev/null; }

for _ in 1 2 3 4 5; do
  serve
  if said "$work/channelsync.log" '"admin":"([0-9.:]+)"'; then
    break
  fi
  grep -q 'callback-listen' "$work/channelsync.log" || break
done
if ! said "$work/channelsync.log" '"admin":"([0-9.:]+)"'; then
  cat "$work/channelsync.log" >&2
  fail 'the service does not start under strace'
fi
admin=$value

api() { curl -sS --max-time 30 -H 'Authorization: Bearer fsync-before-answer-of-this-test' -H 'Content-Type: application/json' "$@"; }

said "$work/autotask.log" 'secret +([^ ]+) ' || fail 'the Autotask simulator names no secret'
secret=$value
api -f -o "$work/installation.json" "http://$admin/api/v1/installations" -d @- <<BODY || {
{"name": "Fault test", "username": "api@msp.example", "secret": "$secret",
 "trackingIdentifier": "SIMULATEDTRACKINGIDENTIFIER", "syncs": ["active_customers"],
 "channelProgram": {"connectionId": "demo", "token": "demo-token"}}
BODY
  tail -n 20 "$work/channelsync.log" >&2
  fail 'the installation is refused'
}
said "$work/installation.json" '"id":"([0-9a-z]+)","name"' || fail 'the installation has no id'
installation=$value

live() {
  api -o "$work/installation.json" "http://$admin/api/v1/installations/$installation" &&
    said "$work/installation.json" '("state":"live".*"ready":true)'
}
eventually 'the installation goes live with its webhooks' live

company=987654321
created=$(api -f "http://$autotask/sim/Companies" -d \
  "{\"id\": $company, \"companyName\": \"On Disk First Ltd\", \"companyType\": 1, \"isActive\": true, \"phone\": \"1\"}")
case $created in *"$company"*) ;; *) fail "the simulator did not create the company: $created" ;; esac
answered() {
  curl -sS --max-time 5 "http://$autotask/sim/callouts" >"$work/callouts.json" &&
    grep -Eq "\"recordId\":$company,[^}]*\"status\":202" "$work/callouts.json"
}
eventually 'a callback is answered 202' answered

kill "$traced"
wait "$tracer" || true
traced=''
grep "change.$installation" "$work/trace" | grep -q "$company" || fail 'the trace shows no write of the change'

awk -v record="$company" -f test/fault/order.awk "$work/trace" ||
  fail 'a callback was answered before its change was on disk'
echo 'The change was on disk before the callback was answered.'
