package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
)

// What is done with an installation, or would be.
const (
	toCreate      = "create"
	toChange      = "change"
	toUninstall   = "uninstall"
	asItIs        = "unchanged"
	leftAlone     = "left" // it is not in the file
	failedToApply = "failed"
)

// applyChange is one thing that is not as the file has it. A secret has neither From nor To.
type applyChange struct {
	Field string `json:"field"`
	From  string `json:"from,omitempty"`
	To    string `json:"to,omitempty"`
}

// applyItem is an installation of the file, or one that is not in it: what is to be done, and
// what became of it.
type applyItem struct {
	Name    string        `json:"name"`
	ID      string        `json:"id,omitempty"`
	Action  string        `json:"action"`
	Changes []applyChange `json:"changes"`
	Notes   []string      `json:"notes,omitempty"`
	Error   *applyError   `json:"error,omitempty"`

	entry *entry
	now   v1.Installation
	steps []applyStep
}

// applyError is why it failed.
type applyError struct {
	Code   string `json:"code,omitempty"`
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
}

// applyStep is one request that brings an installation nearer to the file. Each may be
// repeated, so that what is cut short is finished by the next run.
type applyStep func(context.Context, *client.Client, *applyItem) error

const claimsAtOnce = 100 // as the API takes them

// planApply compares a file with what is installed, and changes nothing. It lists before it
// compares: what is made in between is in no list, so it is never taken for one that is not
// in the file.
func planApply(ctx context.Context, api *client.Client, entries []*entry, prune bool) ([]*applyItem, error) {
	all, err := api.Installations(ctx)
	if err != nil {
		return nil, err
	}
	unknown := findNamed(ctx, api, entries)
	byID := map[string]v1.Installation{}
	for _, in := range all {
		byID[in.ID] = in
	}
	var items []*applyItem
	of := map[string]*applyItem{}
	for chunk := range slices.Chunk(entries, claimsAtOnce) {
		claims := make([]v1.Claim, len(chunk))
		for i, e := range chunk {
			claims[i] = e.claim()
		}
		found, err := api.CompareInstallations(ctx, claims)
		if err != nil {
			return nil, err
		}
		for i, e := range chunk {
			item := &applyItem{Name: e.want.Name, ID: found[i].Installation, Changes: []applyChange{}, entry: e}
			items = append(items, item)
			if err := unknown[e]; err != nil {
				if item.now = byID[item.ID]; item.ID != "" {
					of[item.ID] = item // it is in the file all the same
				}
				item.fail(err)
				continue
			}
			if other := of[item.ID]; other != nil {
				item.fail(errors.New(`this entry is the installation "` + other.now.Name + `", and so is the entry "` + other.Name + `" in the file`))
				continue
			}
			if item.ID == "" {
				item.create()
				continue
			}
			if item.now = byID[item.ID]; item.now.ID == "" {
				if item.now, err = api.Installation(ctx, item.ID); err != nil { // it was made meanwhile
					return nil, err
				}
			}
			of[item.ID] = item
			item.change(found[i], prune)
		}
	}
	for _, in := range all {
		if of[in.ID] == nil && in.State != v1.StateUninstalled {
			items = append(items, unlisted(in, prune))
		}
	}
	return items, nil
}

// findNamed puts ids in the place of what entries name, as the service finds them in each Autotask;
// errors are of names that are unknown, or those of several.
func findNamed(ctx context.Context, api *client.Client, entries []*entry) map[*entry]error {
	var mu sync.Mutex
	unknown := map[*entry]error{}
	var group errgroup.Group
	group.SetLimit(applyAtOnce)
	for _, e := range entries {
		if e.want.Names.Empty() {
			continue
		}
		group.Go(func() error {
			found, err := api.SetupChoices(ctx, e.want, v1.ChoiceQuery{})
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				unknown[e] = err
				return nil
			}
			e.want.Options, e.want.Names = &found.Options, nil
			return nil
		})
	}
	_ = group.Wait() // what fails is in the map
	return unknown
}

// unlisted is an installation that is not in the file.
func unlisted(in v1.Installation, prune bool) *applyItem {
	item := &applyItem{Name: in.Name, ID: in.ID, Action: leftAlone, Changes: []applyChange{}, now: in}
	if prune {
		item.Action = toUninstall
		item.steps = []applyStep{act("", "uninstall")}
	}
	return item
}

func (x *applyItem) fail(err error) {
	x.Action, x.Error = failedToApply, &applyError{Detail: err.Error()}
	if p, is := errors.AsType[*v1.Problem](err); is {
		x.Error = &applyError{Code: p.Code, Detail: p.Detail, Hint: p.Hint}
		for _, e := range p.Errors {
			x.Error.Detail += " " + strings.TrimPrefix(e.Pointer, "#/") + ": " + e.Detail + "."
		}
	}
}

// create makes the installation.
func (x *applyItem) create() {
	want := x.entry.want
	x.Action = toCreate
	x.Changes = append(x.Changes,
		applyChange{"username", "", want.Username},
		applyChange{"connection", "", want.ChannelProgram.ConnectionID},
		applyChange{"syncs", "", joined(want.Syncs)})
	if want.Options != nil {
		x.Changes = append(x.Changes, optionChanges(v1.Options{}, *want.Options)...)
	}
	x.steps = append(x.steps, func(ctx context.Context, api *client.Client, x *applyItem) error {
		made, err := api.CreateInstallation(ctx, want)
		if p, is := errors.AsType[*v1.Problem](err); is && p.Code == v1.CodeAlreadyInstalled {
			return x.meanwhile(ctx, api, err)
		}
		x.ID, x.now = made.ID, made
		return err
	}, sameZone)
	if x.entry.stopped != nil && *x.entry.stopped {
		x.Changes = append(x.Changes, applyChange{"stopped", "", "true"})
		x.steps = append(x.steps, act("", "stop"))
	}
}

// meanwhile goes on with an installation that was made since it was looked for: by a run
// that was cut short while the service was at work.
func (x *applyItem) meanwhile(ctx context.Context, api *client.Client, refused error) error {
	found, err := api.CompareInstallations(ctx, []v1.Claim{x.entry.claim()})
	if err != nil || found[0].Installation == "" {
		return errors.Join(refused, err)
	}
	if x.now, err = api.Installation(ctx, found[0].Installation); err != nil {
		return err
	}
	x.ID, x.Changes, x.steps = x.now.ID, []applyChange{}, nil
	if x.change(found[0], false); x.Action == failedToApply {
		return refused
	}
	return runSteps(ctx, api, x)
}

// change brings an installation that exists in line with the file.
func (x *applyItem) change(found v1.Comparison, prune bool) {
	want, now := x.entry.want, x.now
	if found.Limited {
		x.fail(&v1.Problem{
			Detail: "Its secrets were not compared: they were compared with too many wrong ones lately.",
			Hint:   "Run it again in a minute.",
		})
		return
	}
	differs := func(what v1.Different) bool { return slices.Contains(found.Differs, what) }
	account, secret, zone := differs(v1.DiffersAccount), differs(v1.DiffersSecret), differs(v1.DiffersZone)
	if account {
		x.add("username or tracking identifier", "", "")
	}
	if secret {
		x.add("secret", "", "")
	}
	if zone {
		x.add("zone", cmp.Or(now.Zone.Name, now.Zone.URL), want.Zone)
	}
	if account || secret || zone {
		x.steps = append(x.steps, func(ctx context.Context, api *client.Client, x *applyItem) error {
			_, err := api.SetCredentials(ctx, x.ID, v1.Credentials{
				Username: want.Username, Secret: want.Secret, TrackingIdentifier: want.TrackingIdentifier, Zone: want.Zone,
			})
			return err
		})
	}
	if zone {
		x.steps = append(x.steps, sameZone)
	}
	if differs(v1.DiffersConnection) {
		x.add("connection", "", want.ChannelProgram.ConnectionID)
	}
	if differs(v1.DiffersToken) {
		x.add("token", "", "")
	}
	if differs(v1.DiffersConnection) || differs(v1.DiffersToken) {
		x.steps = append(x.steps, func(ctx context.Context, api *client.Client, x *applyItem) error {
			_, err := api.SetChannelProgram(ctx, x.ID, want.ChannelProgram)
			return err
		})
	}
	x.update()
	x.changeState(prune)
	if x.Action = asItIs; len(x.steps) > 0 {
		x.Action = toChange
	}
}

func (x *applyItem) add(field, from, to string) {
	x.Changes = append(x.Changes, applyChange{field, from, to})
}

// update changes the name and the options, in one request.
func (x *applyItem) update() {
	var change v1.UpdateInstallation
	if name := x.entry.want.Name; name != x.now.Name {
		change.Name = &name
		x.add("name", x.now.Name, name)
	}
	if options := x.entry.want.Options; options != nil {
		if changes := optionChanges(x.now.Options, *options); len(changes) > 0 {
			change.Options = options
			x.Changes = append(x.Changes, changes...)
		}
	}
	if change == (v1.UpdateInstallation{}) {
		return
	}
	x.steps = append(x.steps, func(ctx context.Context, api *client.Client, x *applyItem) error {
		_, err := api.UpdateInstallation(ctx, x.ID, change)
		return err
	})
}

// changeState reinstalls, installs and uninstalls syncs, stops and starts.
func (x *applyItem) changeState(prune bool) {
	state := x.now.State
	if state == v1.StateUninstalled {
		x.add("state", "uninstalled", "installed")
		// Which syncs come back shows once they have.
		x.steps = append(x.steps, act("", "reinstall"), func(ctx context.Context, api *client.Client, x *applyItem) (err error) {
			if x.now, err = api.Installation(ctx, x.ID); err != nil {
				return err
			}
			x.steps = nil
			x.changeSyncs(prune)
			return runSteps(ctx, api, x)
		})
	} else {
		x.changeSyncs(prune)
	}
	switch stopped := x.entry.stopped; {
	case stopped == nil:
	case *stopped && state != v1.StateStopped:
		x.add("stopped", "false", "true")
		x.steps = append(x.steps, act("", "stop"))
	case !*stopped && state == v1.StateStopped:
		x.add("stopped", "true", "false")
		x.steps = append(x.steps, act("", "start"))
	}
}

// changeSyncs installs what is missing; what is not in the file is uninstalled only to prune.
func (x *applyItem) changeSyncs(prune bool) {
	for _, sync := range v1.Syncs {
		now, had := x.now.Syncs[sync]
		installed := had && now.State != v1.SyncUninstalled
		wanted := slices.Contains(x.entry.want.Syncs, sync)
		switch {
		case wanted && !installed:
			x.add("syncs", "", "+"+string(sync))
			x.steps = append(x.steps, act(sync, "install"))
		case !wanted && installed && prune:
			x.add("syncs", "", "-"+string(sync))
			x.steps = append(x.steps, act(sync, "uninstall"))
		case !wanted && installed:
			x.Notes = append(x.Notes, string(sync)+" is installed and not in the file: --prune uninstalls it")
		}
	}
}

func act(sync v1.Sync, action string) applyStep {
	return func(ctx context.Context, api *client.Client, x *applyItem) error {
		return api.Act(ctx, x.ID, sync, action)
	}
}

// sameZone fails where Autotask put the user into another zone than the file says: else
// every run would find it changed, and set the credentials again.
func sameZone(ctx context.Context, api *client.Client, x *applyItem) error {
	if x.entry.want.Zone == "" {
		return nil
	}
	found, err := api.CompareInstallations(ctx, []v1.Claim{x.entry.claim()})
	if err != nil || !slices.Contains(found[0].Differs, v1.DiffersZone) {
		return err
	}
	now, err := api.Installation(ctx, x.ID)
	if err != nil {
		return err
	}
	return &v1.Problem{
		Detail: fmt.Sprintf("zone: got %q, want %s (%s), where Autotask has this user. Everything else is done.", x.entry.want.Zone, now.Zone.Name, now.Zone.URL),
		Hint:   "Correct the zone in the file, or leave it out.",
	}
}

// optionChanges lists the options that are not as wanted; one that is not said is its default.
func optionChanges(now, want v1.Options) []applyChange {
	before, after := optionTexts(now), optionTexts(want)
	var changes []applyChange
	for i, b := range before {
		if a := after[i]; a.To != b.To {
			changes = append(changes, applyChange{"options." + b.Field, b.To, a.To})
		}
	}
	return changes
}

// optionTexts are the options as they count, in a fixed order.
func optionTexts(o v1.Options) []applyChange {
	list := func(ids []int64, none string) string {
		sorted := slices.Clone(ids)
		slices.Sort(sorted)
		words := make([]string, 0, len(ids))
		for _, id := range slices.Compact(sorted) {
			words = append(words, strconv.FormatInt(id, 10))
		}
		return cmp.Or(strings.Join(words, ","), none)
	}
	return []applyChange{
		{"timeZone", "", cmp.Or(o.TimeZone, "UTC")},
		{"outOfScope", "", cmp.Or(o.OutOfScope, "leave")},
		{"overallCost", "", cmp.Or(o.OverallCost, "auto")},
		{"contractStatus", "", cmp.Or(o.ContractStatus, "any")},
		{"contractTypes", "", list(o.ContractTypes, "all")},
		{"contractCategories", "", list(o.ContractCategories, "all")},
		{"companyClassifications", "", list(o.CompanyClassifications, "all")},
		{"emails", "", cmp.Or(o.Emails, "contacts")},
		{"currency", "", cmp.Or(strings.ToUpper(o.Currency), "none")},
		{"include", "", list(o.Include, "all")},
		{"exclude", "", list(o.Exclude, "none")},
		{"drift", "", cmp.Or(o.Drift, "repair")},
		{"massChangePercent", "", strconv.Itoa(cmp.Or(o.MassChangePercent, 50))},
	}
}

func joined(syncs []v1.Sync) string {
	words := make([]string, len(syncs))
	for i, s := range syncs {
		words[i] = string(s)
	}
	return strings.Join(words, ", ")
}
