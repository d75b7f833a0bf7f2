package telemetry

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

const (
	// longestTime bounds delays and deadlines, in milliseconds as the standard counts them.
	longestTime = int(24 * time.Hour / time.Millisecond)
	// mostSpans bounds the queue of spans, which takes 16 bytes for each from the start on.
	mostSpans = 1_000_000
	// mostOfSpan bounds what one span may hold of anything.
	mostOfSpan = 1_000_000
)

// number is a variable that the SDK counts by. The SDK takes its default where a value is no number,
// panics at some that are out of range, and spins or keeps everything at others.
type number struct {
	name        string
	least, most int
}

func spanNumbers() []number {
	queue := number{"OTEL_BSP_MAX_QUEUE_SIZE", 1, mostSpans}
	return []number{
		queue,
		{"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1, queue.or(2048)}, // the SDK takes another size than a larger one
		{"OTEL_BSP_SCHEDULE_DELAY", 1, longestTime},
		{"OTEL_BSP_EXPORT_TIMEOUT", 1, longestTime},
		{"OTEL_ATTRIBUTE_COUNT_LIMIT", 0, mostOfSpan},
		{"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", 0, mostOfSpan},
		{"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", 0, mostOfSpan},
		{"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", 0, mostOfSpan},
		{"OTEL_SPAN_EVENT_COUNT_LIMIT", 0, mostOfSpan},
		{"OTEL_SPAN_LINK_COUNT_LIMIT", 0, mostOfSpan},
		{"OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", 0, mostOfSpan},
		{"OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", 0, mostOfSpan},
	}
}

func metricNumbers() []number {
	return []number{
		{"OTEL_METRIC_EXPORT_INTERVAL", 1, longestTime},
		{"OTEL_METRIC_EXPORT_TIMEOUT", 1, longestTime},
	}
}

// check reads as the SDK does, which takes no number with a space beside it.
func (n number) check() error {
	text := os.Getenv(n.name)
	if text == "" {
		return nil
	}
	if value, err := strconv.Atoi(text); err != nil || value < n.least || value > n.most {
		return fmt.Errorf("%s: got %q, want a whole number from %d to %d", n.name, text, n.least, n.most)
	}
	return nil
}

// or is the number, or another one where it is not set or wrong.
func (n number) or(other int) int {
	if value, err := strconv.Atoi(os.Getenv(n.name)); err == nil && n.check() == nil {
		return value
	}
	return other
}

func checkNumbers(numbers ...number) (errs []error) {
	for _, n := range numbers {
		errs = append(errs, n.check())
	}
	return errs
}
