package v1

// Keys of structured log fields: one spelling each, so that a search finds every line.
const (
	LogInstallation = "installation"
	LogKind         = "kind"
	LogRecord       = "record"
	LogTrigger      = "trigger"
	LogOutcome      = "outcome"
	LogReasons      = "reasons"
	LogAction       = "action"
	LogEntity       = "entity"
	LogStatus       = "status"
	LogSequence     = "sequence"
	LogPlace        = "place" // within the message of the journal that LogSequence names
	LogDuplicate    = "duplicate"
	LogCount        = "count"
	LogDuration     = "duration"
	LogAttempt      = "attempt"
	LogNextAt       = "next_at"
	LogOperation    = "operation"
	LogURL          = "url"
	LogAddr         = "addr"
	LogCode         = "code"
	LogJob          = "job"
	LogStream       = "stream"
	LogKey          = "key" // of a record in a table
	LogVersion      = "version"
	LogRemote       = "remote"
	LogCause        = "cause"
	LogInstance     = "instance"
	LogShard        = "shard"
	LogToken        = "token" // its id
	LogGeneration   = "generation"
)
