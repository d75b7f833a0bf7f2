package channelprogram

// encoded is an item ready to be sent, with its place among the caller's.
type encoded struct {
	place int
	id    string
	data  []byte // JSON of the input
}

const (
	batchStart = `{"inputs":[`
	batchEnd   = `]}`
	itemStart  = `{"externalId":"`
	itemMiddle = `","data":`
	itemEnd    = `}`
)

// size is how many bytes the item takes in a batch, with the comma behind it.
func (e encoded) size() int {
	return len(itemStart) + len(e.id) + len(itemMiddle) + len(e.data) + len(itemEnd) + 1
}

// batchBody writes the items as one request. Valid ids need no escaping.
func batchBody(items []encoded) []byte {
	n := len(batchStart) + len(batchEnd)
	for _, e := range items {
		n += e.size()
	}
	b := append(make([]byte, 0, n), batchStart...)
	for i, e := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, itemStart...)
		b = append(b, e.id...)
		b = append(b, itemMiddle...)
		b = append(b, e.data...)
		b = append(b, itemEnd...)
	}
	return append(b, batchEnd...)
}

// chunks cuts the items, in their order, into batches that keep the limits and
// name no id twice (the target refuses such a batch as a whole). An item that
// is over the limit by itself goes alone: the target's answer to it is then its own.
func chunks(items []encoded, l Limits) [][]encoded {
	var out [][]encoded
	start, size := 0, len(batchStart)+len(batchEnd)
	ids := make(map[string]bool)
	for i, e := range items {
		full := i-start == l.MaxBatch || size+e.size() > l.MaxBodyBytes || ids[e.id]
		if full && i > start {
			out = append(out, items[start:i])
			start, size = i, len(batchStart)+len(batchEnd)
			clear(ids)
		}
		size += e.size()
		ids[e.id] = true
	}
	if start < len(items) {
		out = append(out, items[start:])
	}
	return out
}
