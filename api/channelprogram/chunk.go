package channelprogram

import "encoding/json"

// encoded is an item ready to be sent.
type encoded struct {
	id   string
	data []byte // JSON of the input
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

// Cut divides items, in their order, into runs that one request each may carry: by the
// target's limits, at most so many (0: as many as the target takes), and no id twice
// (the target refuses such a batch as a whole). An item that is over the limit by
// itself goes alone: the target's answer to it is then its own.
func Cut[T ClientInput | ContractInput](c *Client, items []Item[T], most int) [][]Item[T] {
	l := *c.limits.Load()
	if most > 0 {
		l.MaxBatch = min(l.MaxBatch, most)
	}
	var out [][]Item[T]
	for _, run := range runs(len(items), l, func(i int) (string, int) {
		data, err := json.Marshal(items[i].Data)
		if err != nil {
			data = nil // sending it says what is wrong
		}
		return items[i].ExternalID, encoded{items[i].ExternalID, data}.size()
	}) {
		out = append(out, items[run.from:run.to])
	}
	return out
}

type run struct{ from, to int }

// runs cuts n items, of which item tells the id and the size.
func runs(n int, l Limits, item func(i int) (id string, size int)) []run {
	var out []run
	const frame = len(batchStart) + len(batchEnd)
	start, size := 0, frame
	ids := make(map[string]bool)
	for i := range n {
		id, more := item(i)
		full := i-start == l.MaxBatch || size+more > l.MaxBodyBytes || ids[id]
		if full && i > start {
			out = append(out, run{start, i})
			start, size = i, frame
			clear(ids)
		}
		size += more
		ids[id] = true
	}
	if start < n {
		out = append(out, run{start, n})
	}
	return out
}
