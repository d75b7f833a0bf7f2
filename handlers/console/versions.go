package console

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/present"
)

const versionsPerPage = 25

// versionsData is the page of what was sent of a record over time.
type versionsData struct {
	Kind     v1.Kind
	ID, Name string
	Path     string // of the record's page
	Items    []v1.Version
	Next     string // path of the next page; empty on the last
	First    string // path of the first page; empty on it

	On      string          // the day that was asked about
	Today   string          // where the tenant is: no later one can be asked about
	Held    *v1.VersionPage // what Channel Program held then
	Refused string          // why that cannot be answered
	Old     int             // the versions to be compared
	New     int             //
	Pair    *versionPair    // two versions side by side
}

// versionPair is two versions side by side.
type versionPair struct {
	Old, New v1.Version
	Fields   []present.Pair
}

func (v *visit) versions() (*page, error) {
	in, err := v.installation()
	if err != nil {
		return nil, err
	}
	asked := v.r.URL.Query()
	d := versionsData{
		Kind: v1.Kind(v.r.PathValue("kind")), ID: v.r.PathValue("record"), On: v1.Trim(asked.Get("on")), Today: in.Options.Today(v.now()).Format("2006-01-02"),
	}
	d.Path = v.under("/records/" + string(d.Kind) + "/" + d.ID)
	r, err := v.api.Record(v.ctx, in.ID, d.Kind, d.ID)
	if err != nil {
		return nil, err
	}
	d.Name = r.Name
	cursor := v1.Trim(asked.Get("cursor"))
	list, err := v.api.Versions(v.ctx, in.ID, d.Kind, d.ID, v1.VersionQuery{Cursor: cursor, Limit: versionsPerPage})
	if err != nil {
		return nil, err
	}
	d.Items = list.Items
	if list.NextCursor != nil {
		d.Next = d.Path + "/versions?" + url.Values{"cursor": {*list.NextCursor}}.Encode()
	}
	if cursor != "" {
		d.First = d.Path + "/versions"
	}
	if err := v.answerHeld(in.ID, &d); err != nil {
		return nil, err
	}
	if err := v.pairVersions(in.ID, &d); err != nil {
		return nil, err
	}
	return &page{Title: "What was sent of " + d.Named(), Nav: "records", Installation: in, Data: d}, nil
}

// Named is the record by its name, or what it is.
func (d versionsData) Named() string {
	if d.Name != "" {
		return d.Name
	}
	return present.KindWord(d.Kind) + " " + d.ID
}

// answerHeld asks what Channel Program held on a day. That the day is none is something the page says.
func (v *visit) answerHeld(installation string, d *versionsData) error {
	if d.On == "" {
		return nil
	}
	held, err := v.api.Versions(v.ctx, installation, d.Kind, d.ID, v1.VersionQuery{At: d.On})
	if p := (*v1.Problem)(nil); errors.As(err, &p) && p.Status == http.StatusUnprocessableEntity {
		d.Refused = "Enter a day that has passed, such as " + d.Today + "."
		return nil
	}
	d.Held = &held
	return err
}

// pairVersions sets two versions side by side: those that were asked for, else the last two are chosen.
func (v *visit) pairVersions(installation string, d *versionsData) error {
	if len(d.Items) > 0 {
		d.New = d.Items[0].Number
		d.Old = d.New - 1
	}
	asked := v.r.URL.Query()
	a, errA := strconv.Atoi(asked.Get("old"))
	b, errB := strconv.Atoi(asked.Get("new"))
	if errA != nil || errB != nil || a < 1 || b < 1 || a == b {
		return nil
	}
	d.Old, d.New = min(a, b), max(a, b)
	pair := &versionPair{}
	var err error
	if pair.Old, err = v.api.Version(v.ctx, installation, d.Kind, d.ID, d.Old); err != nil {
		return err
	}
	if pair.New, err = v.api.Version(v.ctx, installation, d.Kind, d.ID, d.New); err != nil {
		return err
	}
	pair.Fields = present.PairsOf(pair.Old.Projection, pair.New.Projection)
	d.Pair = pair
	return nil
}
