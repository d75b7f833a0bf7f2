package console

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"channelsync/api/client"
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
	Cursor   string // of this page; empty on the first
	Next     string // path of the next page; empty on the last
	First    string // path of the first page; empty on it

	On      string          // the day that was asked about
	Today   string          // where the tenant is: no later one can be asked about
	Held    *v1.VersionPage // what Channel Program held then
	Refused string          // why that cannot be answered
	Old     int             // the versions to be compared; 0: none is chosen
	New     int             //
	Pair    *versionPair    // two versions side by side
	Missing string          // what is missing to set them side by side
	Unseen  bool            // nothing is known of the record here
	Since   time.Time       // since when records are kept
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
	out := &page{Nav: "records", Installation: in}
	r, err := v.api.Record(v.ctx, in.ID, d.Kind, d.ID)
	if isNotFound(err) && v.plausible() {
		d.Unseen = true
		out.Title, out.Data = "What was sent of "+d.Named(), d
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	d.Name = r.Name
	if err := v.listVersions(in.ID, &d); err != nil {
		return nil, err
	}
	if err := v.answerHeld(in.ID, &d); err != nil {
		return nil, err
	}
	if err := v.pairVersions(in.ID, &d); err != nil {
		return nil, err
	}
	out.Title, out.Data = "What was sent of "+d.Named(), d
	return out, nil
}

// listVersions puts a page of the list into the data.
func (v *visit) listVersions(installation string, d *versionsData) error {
	d.Cursor = v1.Trim(v.r.URL.Query().Get("cursor"))
	list, err := v.api.Versions(v.ctx, installation, d.Kind, d.ID, v1.VersionQuery{Cursor: d.Cursor, Limit: versionsPerPage})
	if err != nil {
		return err
	}
	d.Items, d.Since = list.Items, list.KnownSince
	if list.NextCursor != nil {
		d.Next = d.Path + "/versions?" + url.Values{"cursor": {*list.NextCursor}}.Encode()
	}
	if d.Cursor != "" {
		d.First = d.Path + "/versions"
	}
	return nil
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

// pairVersions sets two versions side by side: those that were asked for, else the last two are chosen. What is
// missing for that is something the page says.
func (v *visit) pairVersions(installation string, d *versionsData) error {
	asked := v.r.URL.Query()
	if !asked.Has("old") && !asked.Has("new") {
		if len(d.Items) > 1 {
			d.Old, d.New = d.Items[1].Number, d.Items[0].Number
		}
		return nil
	}
	a, _ := strconv.Atoi(asked.Get("old"))
	b, _ := strconv.Atoi(asked.Get("new"))
	d.Old, d.New = max(a, 0), max(b, 0)
	switch {
	case d.Old == 0 && d.New == 0:
		d.Missing = "Choose two versions to compare: one on the left and one on the right."
	case d.Old == 0 || d.New == 0:
		d.Missing = fmt.Sprintf("Only version %d is chosen. Choose another one to compare it with, on the other side.", max(d.Old, d.New))
	case d.Old == d.New:
		d.Missing = fmt.Sprintf("Version %d is chosen on both sides. Choose another one on one of them.", d.Old)
	}
	if d.Missing != "" {
		return nil
	}
	d.Old, d.New = min(a, b), max(a, b)
	var two [2]v1.Version
	for i, number := range []int{d.Old, d.New} {
		var err error
		two[i], err = v.api.Version(v.ctx, installation, d.Kind, d.ID, number)
		if errors.Is(err, client.ErrNoVersion) {
			d.Missing = fmt.Sprintf("There is no version %d of it, or it is no longer kept. Choose two that are listed.", number)
			return nil
		}
		if err != nil {
			return err
		}
	}
	d.Pair = &versionPair{two[0], two[1], present.PairsOf(two[0].Projection, two[1].Projection)}
	return nil
}

func isNotFound(err error) bool {
	p, refused := errors.AsType[*v1.Problem](err)
	return refused && p.Status == http.StatusNotFound
}
