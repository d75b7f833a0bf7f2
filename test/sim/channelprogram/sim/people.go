package sim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
)

var errNoRecord = errors.New("there is none")

// Edit is somebody changing a record by hand at the target. Fields are named as
// in the ingest API, and of a client also industry and endpoints; a field that
// is not named stays as it is.
type Edit struct {
	Connection string         `json:"connection"`
	Entity     string         `json:"entity,omitempty"` // client (the default) or contract
	ExternalID string         `json:"externalId"`
	Fields     map[string]any `json:"fields"`
}

// Edit applies a change made at the target. It moves the revision and nothing
// of the ordering: the next push of what the source holds undoes it.
func (s *Sim) Edit(e Edit) error {
	err := s.with(e.Connection, func(c *connection) error {
		switch e.Entity {
		case EntityClient, "":
			return s.editClient(c.clients[e.ExternalID], e)
		case EntityContract:
			return s.editContract(c.contracts[e.ExternalID], e)
		default:
			return fmt.Errorf("no entity is called %q", e.Entity)
		}
	})
	if err != nil {
		return fmt.Errorf("edit %s %s: %w", cmp.Or(e.Entity, EntityClient), e.ExternalID, err)
	}
	return nil
}

func (s *Sim) editClient(stored *Client, e Edit) error {
	if stored == nil {
		return errNoRecord
	}
	edited := struct {
		*ClientInput
		Industry  *string `json:"industry"`
		Endpoints *int    `json:"endpoints"`
	}{new(stored.Data.copy()), new(stored.Industry), new(stored.Endpoints)}
	for field, list := range map[string]*[]Labelled{
		"emails": &edited.Emails, "phones": &edited.Phones, "websites": &edited.Websites,
	} {
		if _, named := e.Fields[field]; named {
			*list = nil // else the decoder keeps old labels under new values
		}
	}
	if err := overlay(e.Fields, &edited); err != nil {
		return err
	}
	if err := check(s.schema.client, edited.ClientInput); err != nil {
		return err
	}
	stored.Data = *edited.ClientInput
	if edited.Industry != nil {
		stored.Industry = *edited.Industry
	}
	if edited.Endpoints != nil {
		stored.Endpoints = *edited.Endpoints
	}
	stored.Revision++
	stored.UpdatedAt = s.now()
	return nil
}

func (s *Sim) editContract(stored *Contract, e Edit) error {
	if stored == nil {
		return errNoRecord
	}
	edited := stored.copy().Data
	if err := overlay(e.Fields, &edited); err != nil {
		return err
	}
	if err := check(s.schema.contract, edited); err != nil {
		return err
	}
	stored.Data = edited
	stored.Revision++
	stored.UpdatedAt = s.now()
	return nil
}

// AddUnlinkedClient adds a client that somebody made by hand, which no source is linked to; it returns its target id.
func (s *Sim) AddUnlinkedClient(conn, name string) (string, error) {
	var id string
	err := s.with(conn, func(c *connection) error {
		data := ClientInput{Name: name, Lifecycle: LifecycleActive}
		id = c.addClient("", data, s.now()).TargetID
		return nil
	})
	return id, err
}

// Empty wipes the target of a connection, as a restore from nothing would: data
// and stored answers go, the connection and the history stay.
func (s *Sim) Empty(conn string) error {
	return s.with(conn, func(c *connection) error {
		c.wipe()
		return nil
	})
}

// EmptyAll wipes the target of every connection.
func (s *Sim) EmptyAll() {
	for _, c := range s.Connections() {
		_ = s.Empty(c.ID)
	}
}

func overlay(fields map[string]any, onto any) error {
	for _, guard := range []string{"source", "client"} {
		if _, ok := fields[guard]; ok {
			return fmt.Errorf("%s is not for people to edit", guard)
		}
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return fmt.Errorf("encode fields: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(onto); err != nil {
		return fmt.Errorf("read fields: %w", err)
	}
	return nil
}

// check holds an edit to the rules that pushes are held to.
func check(r rule, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("encode record: %w", err)
	}
	tree, err := decodeJSON(text)
	if err != nil {
		return fmt.Errorf("decode record: %w", err)
	}
	if errs := r(tree, "#"); len(errs) > 0 {
		return fmt.Errorf("%s: %s", errs[0].Pointer, errs[0].Detail)
	}
	return nil
}
