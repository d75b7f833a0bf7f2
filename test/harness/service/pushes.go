package service

import (
	"bytes"
	"encoding/json"

	cpsim "channelsync/test/sim/channelprogram/sim"
)

// Twice counts pushes, after the first so many, of what Channel Program held already: the
// same record with the same content as the push before that it took. A batch that it recognised
// as a repeat by its key is no second push, and neither is one that it refused, or that it
// had seen later ones of: that is how it is asked whether it takes records at all.
func Twice(pushes []cpsim.Push, from int) int {
	n, known := 0, map[string][]byte{}
	for i, p := range pushes {
		if p.Replayed || p.Outcome == cpsim.OutcomeRefused || p.Outcome == cpsim.OutcomeStale || p.Code != "" {
			continue
		}
		key, content := p.Entity+"/"+p.ExternalID, contentOf(p.Body)
		if i >= from && bytes.Equal(known[key], content) {
			n++
		}
		known[key] = content
	}
	return n
}

// contentOf is a push without what it says of itself: when it was made and why.
func contentOf(body json.RawMessage) []byte {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return body
	}
	delete(fields, "source")
	content, err := json.Marshal(fields)
	if err != nil {
		return body
	}
	return content
}
