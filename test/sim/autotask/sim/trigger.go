package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"channelsync/test/sim/autotask/callout"
	"channelsync/test/sim/autotask/fault"
	"channelsync/test/sim/autotask/schema"
	"channelsync/test/sim/autotask/store"
)

// listen hears every change of the store, in order and one at a time, and queues the callouts it is worth. It runs
// while the store is locked.
func (s *Sim) listen(r store.Reader, c store.Change) {
	if c.Entity.Watches != "" {
		s.registrationChanged(c)
		return
	}
	if c.Entity.Wire == "" {
		return
	}
	for _, hooks := range s.schema.Entities {
		if hooks.Watches != c.Entity.Name {
			continue
		}
		taken := map[string]bool{}
		for _, row := range r.Rows(hooks) {
			// Identical callouts are duplicates, whoever owns them and whether they are active or not, and "not all" are
			// fired. Which one is, the vendor does not say: here only the oldest can be.
			g := registration{hooks, row}
			if !g.is(subscriptions[c.Action]) || taken[g.text("webhookUrl")] {
				continue
			}
			taken[g.text("webhookUrl")] = true
			s.trigger(r, g, c)
		}
	}
}

// registration is a webhook's row, read by field name.
type registration struct {
	entity *schema.Entity
	row    schema.Record
}

func (g registration) text(field string) string { return g.row.Text(g.entity.Must(field)) }
func (g registration) is(field string) bool     { return g.row.Bool(g.entity.Must(field)) }
func (g registration) owner() int64             { n, _ := g.row.Int(g.entity.Must("ownerResourceID")); return n }

func (g registration) hook() callout.Hook {
	return callout.Hook{Collection: g.entity.Name, ID: g.row.ID()}
}

var subscriptions = map[store.Action]string{
	store.Create: "isSubscribedToCreateEvents",
	store.Update: "isSubscribedToUpdateEvents",
	store.Delete: "isSubscribedToDeleteEvents",
}

// trigger queues the callout of one registration that is subscribed to a change, if it is active and ready.
func (s *Sim) trigger(r store.Reader, g registration, c store.Change) {
	if !g.is("isActive") || !g.is("isReady") {
		return
	}
	pairs, fires := s.payload(r, g, c)
	if !fires {
		return
	}
	s.enqueue(g, c, pairs)
}

// payload is what Fields holds: on create every watched field with a value, on update the changed subscribed ones and
// the always displayed ones, on delete nothing. An update fires only when a subscribed field has changed.
func (s *Sim) payload(r store.Reader, g registration, c store.Change) ([]callout.Pair, bool) {
	if c.Action == store.Delete {
		return nil, true
	}
	var pairs []callout.Pair
	fires := c.Action == store.Create
	for _, fields := range s.hookFields(g.entity) {
		for _, row := range r.Find(fields, fields.Must("webhookID"), g.row.ID()) {
			w, ok := s.watched(fields, row, c)
			if !ok {
				continue
			}
			subscribed := row.Bool(fields.Must("isSubscribedField"))
			always := row.Bool(fields.Must("isDisplayAlwaysField"))
			fires = fires || subscribed && w.changed
			shown := always || subscribed && w.changed
			if c.Action == store.Create {
				shown = (always || subscribed) && w.pair.Value != nil
			}
			if shown {
				pairs = append(pairs, w.pair)
			}
		}
	}
	return pairs, fires
}

// watched is a field of a webhook as a change leaves it.
type watched struct {
	pair    callout.Pair
	changed bool
}

// watched reads the field that a row of a webhook's fields names; ok is false when there is none of that id.
func (s *Sim) watched(fields *schema.Entity, row schema.Record, c store.Change) (w watched, ok bool) {
	column := fieldColumn(fields)
	id, _ := row.Int(column)
	if fields.Fields[column].Name == "fieldID" {
		pos, ok := c.Entity.HookField(id)
		if !ok {
			return watched{}, false
		}
		value := s.wireValue(c.New[pos])
		return watched{callout.Pair{Name: c.Entity.Fields[pos].WireName(), Value: value}, slices.Contains(c.Changed, pos)}, true
	}
	name, ok := c.Entity.HookUDF(id)
	if !ok {
		return watched{}, false
	}
	now, has := c.New.UDF()[name]
	w.pair = callout.Pair{Name: name} // user-defined fields go by their label, and are always text
	if has {
		w.pair.Value = now
	}
	was, had := "", false
	if c.Old != nil {
		was, had = c.Old.UDF()[name]
	}
	w.changed = now != was || has != had
	return w, true
}

// wireValue: values of user-defined fields are known to be text even when numeric; for the others text is the better
// guess, and Modes.TypedValues is the other one.
func (s *Sim) wireValue(v any) any {
	if s.Modes().TypedValues {
		return v
	}
	switch x := v.(type) {
	case nil, string, time.Time:
		return v
	case int64:
		return strconv.FormatInt(x, 10)
	case bool:
		if x {
			return "True"
		}
		return "False"
	}
	return fmt.Sprint(v)
}

// enqueue numbers the event, lets the faults at it, and hands it to the sender.
func (s *Sim) enqueue(g registration, c store.Change, pairs []callout.Pair) {
	collection, action := c.Entity.Name, string(c.Action)
	if _, hit := s.faults.Take(fault.Lose, collection, action); hit {
		s.stats.lostCallout()
		return
	}
	hook := g.hook()
	s.sequences[hook]++
	env := callout.Envelope{
		Action: action, GUID: g.text("webhookGUID"), EntityType: c.Entity.Wire, ID: c.ID(), Fields: pairs,
		EventTime: c.At, Sequence: s.sequences[hook], PersonID: humanID,
	}
	e := callout.Event{
		Hook: hook, Action: action, RecordID: c.ID(), Sequence: env.Sequence,
		URL: g.text("webhookUrl"), Secret: g.text("secretKey"),
	}
	s.distort(&env, collection, action)
	e.Body = env.Encode()
	if f, hit := s.faults.Take(fault.Gap, collection, action); hit {
		s.stats.lostCallout()
		if f.Logged { // the store is locked here: the row is written when the edit is done
			s.late = append(s.late, e)
		}
		return
	}
	if f, hit := s.faults.Take(fault.Duplicate, collection, action); hit {
		e.Copies = max(1, f.Count)
	}
	if _, hit := s.faults.Take(fault.BadSign, collection, action); hit {
		e.Secret += "x"
	}
	_, e.Hold = s.faults.Take(fault.Reorder, collection, action)
	s.sender.Enqueue(e)
}

// distort applies the faults that change the body.
func (s *Sim) distort(env *callout.Envelope, collection, action string) {
	hit := func(kind fault.Kind) (fault.Fault, bool) { return s.faults.Take(kind, collection, action) }
	if _, yes := hit(fault.PersonID); yes {
		env.Odd.PersonKey = "PersonID"
	}
	if _, yes := hit(fault.NoFields); yes {
		env.Odd.NoFields = true
	}
	if _, yes := hit(fault.Fraction); yes {
		env.Odd.Fraction = true
	}
	if _, yes := hit(fault.UnknownGUID); yes {
		env.GUID = newGUID()
	}
	if f, yes := hit(fault.EntityType); yes {
		env.EntityType = "Company"
		if f.Text != "" {
			env.EntityType = f.Text
		}
	}
	if f, yes := hit(fault.Values); yes {
		for i := range env.Fields {
			env.Fields[i].Value = f.AnyValue()
		}
	}
	if _, yes := hit(fault.Big); yes {
		env.Fields = append(env.Fields, callout.Pair{Name: "Long note", Value: strings.Repeat("lorem ipsum ", 800)})
	}
}

// registrationChanged throws away what a stopped webhook had queued, and calls its deactivation URL.
func (s *Sim) registrationChanged(c store.Change) {
	if c.Old == nil {
		return
	}
	old := registration{c.Entity, c.Old}
	deleted := c.Action == store.Delete
	if !deleted && (!old.is("isActive") || (registration{c.Entity, c.New}).is("isActive")) {
		return
	}
	hook := old.hook()
	s.sender.Stop(hook)
	if deleted && !old.is("isActive") {
		return
	}
	env := callout.Envelope{Action: "Deactivated", GUID: old.text("webhookGUID"), EventTime: c.At, PersonID: humanID}
	e := callout.Event{
		Hook: hook, Action: env.Action, RecordID: hook.ID, Untracked: true,
		URL: old.text("deactivationUrl"), Body: env.Encode(),
	}
	if s.Modes().SignDeactivated {
		e.Secret = old.text("secretKey")
	}
	s.sender.Enqueue(e)
}

// deactivate is what 25 dropped events in a row lead to.
func (s *Sim) deactivate(h callout.Hook) {
	e := s.schema.Must(h.Collection)
	// An error means that the webhook was deleted meanwhile.
	_ = s.update(e, h.ID, map[int]any{e.Must("isActive"): false})
}

// errorLog holds the events that were given up; each user sees those of the webhooks that it created.
const errorLog = "WebhookEventErrorLogs"

// logColumns says which column of the error log names a webhook.
var logColumns = map[string]string{"CompanyWebhooks": "accountWebhookID", "ContactWebhooks": "contactWebhookID"}

// logDropped writes an event that was given up into WebhookEventErrorLogs.
func (s *Sim) logDropped(e callout.Event, message string) {
	log := s.schema.Must(errorLog)
	// It cannot fail: the id is the next free one.
	id, _ := s.store.Insert(log, map[int]any{
		log.Must(logColumns[e.Hook.Collection]): e.Hook.ID,
		log.Must("sequenceNumber"):              e.Sequence,
		log.Must("payload"):                     cut(string(e.Body), 8000),
		log.Must("errorMessage"):                cut(message, 8000),
		log.Must("createDateTime"):              log.Truncate(s.cfg.Now()),
	})
	s.users.setLogged(id, e.Hook)
}

// writeLate writes the error-log rows of events that a fault has kept from being sent; s.edits is held.
func (s *Sim) writeLate() {
	for _, e := range s.late {
		s.logDropped(e, "The remote server did not answer.")
	}
	s.late = nil
}

func cut(text string, most int) string {
	if len(text) > most {
		return text[:most]
	}
	return text
}
