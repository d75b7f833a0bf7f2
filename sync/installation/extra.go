package installation

import (
	"encoding/json"
	"fmt"
)

// extra is what a stored JSON object has that this version does not know: a newer
// one that runs beside it wrote that. It is written back as it was, so that an
// older version's change loses nothing of a newer one's. Elements of lists are not looked into.
type extra struct {
	fields map[string]json.RawMessage // not known at all
	inside map[string]extra           // of objects that are known
}

// beyond is what stored has beside understood; both are JSON objects.
func beyond(stored, understood []byte) extra {
	var all, known map[string]json.RawMessage
	if json.Unmarshal(stored, &all) != nil || json.Unmarshal(understood, &known) != nil {
		return extra{} // not objects: there is nothing beside
	}
	var x extra
	for name, value := range all {
		own, is := known[name]
		if !is {
			if x.fields == nil {
				x.fields = map[string]json.RawMessage{}
			}
			x.fields[name] = value
			continue
		}
		if in := beyond(value, own); !in.empty() {
			if x.inside == nil {
				x.inside = map[string]extra{}
			}
			x.inside[name] = in
		}
	}
	return x
}

func (x extra) empty() bool { return len(x.fields) == 0 && len(x.inside) == 0 }

// add puts it back into an object. What was inside an object that is gone goes with it.
func (x extra) add(object []byte) ([]byte, error) {
	if x.empty() {
		return object, nil
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(object, &all); err != nil {
		return nil, fmt.Errorf("read what is to be stored: %w", err)
	}
	for name, value := range x.fields {
		if _, there := all[name]; !there {
			all[name] = value
		}
	}
	for name, in := range x.inside {
		value, there := all[name]
		if !there || string(value) == "null" {
			continue
		}
		with, err := in.add(value)
		if err != nil {
			return nil, err
		}
		all[name] = with
	}
	return json.Marshal(all)
}
