# Reads a trace of strace -f -y and says in which order a change was written to the journal (the id of its record is in the
# data), flushed to disk, and answered with 202. Exit code 1 unless it is that order.
#
# A call that another thread interrupts stands in two lines, "<unfinished ...>" and "resumed": it begins with the
# first, which counts for the answer, and has returned with the second, which counts for the disk.

function show(label, line) { printf "%-25s %s\n", label, substr(line, 1, 230) }

# file is the name that strace puts behind the descriptor of a call.
function file(line) { return match(line, /<\/[^>]*>/) ? substr(line, RSTART + 1, RLENGTH - 2) : "" }

# returned is told of each call that has returned without an error.
function returned(line) {
  if (line ~ /(fsync|fdatasync)\(/) {
    if (stored && !synced && file(line) == journal) { synced = NR; flush = line }
    return
  }
  if (line ~ /openat\(/) {
    if (line ~ /O_SYNC|O_DSYNC/ && match(line, /= [0-9]+<[^>]*>/)) flushed_always[file(substr(line, RSTART))] = line
    return
  }
  if (!stored && index(line, record) && file(line) ~ /\/CHANGES\/msgs\/[^\/]*\.blk$/) {
    stored = NR; store = line; journal = file(line)
    if (journal in flushed_always) { synced = NR; flush = "by O_SYNC: " flushed_always[journal] }
  }
}

/"HTTP\/1\.1 202 / && !answered { answered = NR; answer = $0; stored_before = stored; synced_before = synced }
/<unfinished \.\.\.>/ { pending[$1] = $0; next }
/= -1 E/ { delete pending[$1]; next }
/ resumed>/ { if ($1 in pending) { returned(pending[$1] " ... " $0); delete pending[$1] }; next }
{ returned($0) }

END {
  if (stored) show("the change is written", store)
  if (synced) show("it is on disk", flush)
  if (answered) show("the answer", answer)
  if (!answered) { print "no answer 202 is in the trace"; exit 1 }
  if (!stored_before) { print "the answer was sent before the change was written to the journal"; exit 1 }
  if (!synced_before) { print "the answer was sent before the journal was flushed"; exit 1 }
}
