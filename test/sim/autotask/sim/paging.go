package sim

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"channelsync/test/sim/autotask/query"
)

// keptPages is how many earlier pages a cursor remembers.
const keptPages = 50

type pageDetails struct {
	Count        int     `json:"count"`
	RequestCount int     `json:"requestCount"`
	Prev         *string `json:"prevPageUrl"`
	Next         *string `json:"nextPageUrl"`
}

// cursor is the JSON inside the paging parameter: the first ids of the pages seen, and of the page to come. The filter
// is not in it, which is why the same body has to be sent again.
type cursor struct {
	PageSize int     `json:"pageSize"`
	Previous []int64 `json:"previousIds"`
	NextIDs  []int64 `json:"nextIds"`
}

func readCursor(text string) (cursor, error) {
	var c cursor
	if err := json.Unmarshal([]byte(text), &c); err != nil || c.PageSize < 1 || c.PageSize > query.MaxPage {
		return c, query.Error("Value cannot be null. Parameter name: paging")
	}
	return c, nil
}

// from is where the page begins.
func (c cursor) from() int64 {
	if len(c.NextIDs) == 0 {
		return math.MinInt64
	}
	return c.NextIDs[0]
}

func (c cursor) next(first, next int64) cursor {
	previous := append(append([]int64{}, c.Previous...), first)
	return cursor{c.PageSize, previous[max(0, len(previous)-keptPages):], []int64{next}}
}

func (c cursor) prev() cursor {
	last := len(c.Previous) - 1
	return cursor{c.PageSize, c.Previous[:last], c.Previous[last:]}
}

// pageURL puts a cursor behind a path, escaped as the vendor's .NET does: lower-case hex.
func pageURL(path string, c cursor, search string) string {
	if c.Previous == nil {
		c.Previous = []int64{}
	}
	raw, _ := json.Marshal(c) // whole numbers always marshal
	url := path + "?paging=" + escape(string(raw))
	if search != "" {
		url += "&search=" + escape(search)
	}
	return url
}

func escape(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-_.!*()", c) >= 0:
			b.WriteByte(c)
		case c == ' ':
			b.WriteByte('+')
		default:
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}
