package v1

import (
	"encoding/json"
	"errors"
	"strconv"
)

// RecordIDs are ids of Autotask's records. They are written as decimal text, as
// ids of records are everywhere in our JSON, and read as text or as numbers.
type RecordIDs []int64

// MarshalJSON writes text.
func (ids RecordIDs) MarshalJSON() ([]byte, error) {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatInt(id, 10)
	}
	return json.Marshal(texts) //nolint:wrapcheck // text always encodes
}

// UnmarshalJSON reads text and numbers. Its errors never repeat what was given.
func (ids *RecordIDs) UnmarshalJSON(b []byte) error {
	var items []json.RawMessage
	if err := json.Unmarshal(b, &items); err != nil {
		return errors.New("ids of records: want a list")
	}
	if items == nil {
		*ids = nil
		return nil
	}
	read := make(RecordIDs, len(items))
	for i, item := range items {
		text := string(item)
		if text[0] == '"' {
			if err := json.Unmarshal(item, &text); err != nil {
				return errors.New("ids of records: want decimal text")
			}
		}
		id, ok := ParseRecordID(text)
		if !ok {
			return errors.New("ids of records: want decimal text")
		}
		read[i] = id
	}
	*ids = read
	return nil
}

// ParseRecordID reads an id of Autotask's: a decimal number from 0 up, written plain.
func ParseRecordID(text string) (int64, bool) {
	id, err := strconv.ParseInt(text, 10, 64)
	return id, err == nil && id >= 0 && strconv.FormatInt(id, 10) == text
}
