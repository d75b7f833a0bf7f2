package lifecycle

import (
	"fmt"
	"strings"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

// TestWhatPeopleDoToWebhooksIsPutRight: whatever somebody does to the webhooks at
// Autotask, a check makes them right again, and leaves those of others alone.
func TestWhatPeopleDoToWebhooksIsPutRight(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	id := w.Company("Northwind Dental")
	in := w.Install(v1.Syncs...)
	rightWebhooks(w, in.ID, w.CallbackURL)
	strange := w.Autotask.Put("CompanyWebhooks", atsim.Row{
		"name": "channelsync-of-somebody-else", "webhookUrl": "http://127.0.0.1:1/callbacks/autotask/01another", "isActive": false,
		"deactivationUrl": "http://127.0.0.1:1/", "secretKey": "somebody-elses", "sendThresholdExceededNotification": false,
	})
	for _, tc := range []struct {
		name string
		do   func(hook atsim.Webhook)
	}{
		{"nothing, a second time", func(atsim.Webhook) {}},
		{"deactivated", func(h atsim.Webhook) { w.Edit(h.Collection, h.ID, atsim.Row{"isActive": false}) }},
		{"deleted", func(h atsim.Webhook) { w.Autotask.Remove(h.Collection, h.ID) }},
		{"another address", func(h atsim.Webhook) { w.Edit(h.Collection, h.ID, atsim.Row{"webhookUrl": "http://127.0.0.1:1/x"}) }},
		{"another deactivation address", func(h atsim.Webhook) {
			w.Edit(h.Collection, h.ID, atsim.Row{"deactivationUrl": "http://127.0.0.1:1/x"})
		}},
		{"no more creations", func(h atsim.Webhook) { w.Edit(h.Collection, h.ID, atsim.Row{"isSubscribedToCreateEvents": false}) }},
		{"renamed", func(h atsim.Webhook) { w.Edit(h.Collection, h.ID, atsim.Row{"name": "Our company callback"}) }},
		{"a field less", func(h atsim.Webhook) { w.Autotask.Remove(fieldsOf(h), fieldRows(w, h)[0]["id"].(int64)) }},
		{"no field at all", func(h atsim.Webhook) {
			for _, row := range fieldRows(w, h) {
				w.Autotask.Remove(fieldsOf(h), row["id"].(int64))
			}
		}},
		{"a field only shown", func(h atsim.Webhook) {
			w.Edit(fieldsOf(h), fieldRows(w, h)[0]["id"].(int64), atsim.Row{"isSubscribedField": false, "isDisplayAlwaysField": true})
		}},
		{"a field more", func(h atsim.Webhook) { addField(w, h, h.ID) }},
		{"a copy", func(h atsim.Webhook) { duplicate(w, h, h.Name) }},
		{"two copies of another name", func(h atsim.Webhook) {
			duplicate(w, h, "Copy of it")
			duplicate(w, h, "Copy of the copy")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, collection := range []string{"CompanyWebhooks", "ContactWebhooks"} {
				tc.do(ownHook(t, w, collection, in.ID))
			}
			repair(w, in.ID)
			w.Eventually("right again", soon, func() error { return others(w, in.ID, strange) })
		})
	}
	w.Autotask.Remove("CompanyWebhooks", strange)
	rightWebhooks(w, in.ID, w.CallbackURL)
	w.Rename(id, "By callback")
	w.ClientBecomes(id, "an edit after all that", soon, service.Named("By callback"))
}

// ownHook is the one registration of an installation in a collection.
func ownHook(t *testing.T, w *service.Harness, collection, id string) atsim.Webhook {
	t.Helper()
	for _, h := range w.Autotask.Webhooks() {
		if h.Collection == collection && strings.Contains(h.URL, id) {
			return h
		}
	}
	t.Fatalf("no registration in %s", collection)
	return atsim.Webhook{}
}

// others is wrongWebhooks beside the webhook of somebody else, which must be as it was.
func others(w *service.Harness, id string, strange int64) error {
	row, there := w.Autotask.Get("CompanyWebhooks", strange)
	if !there || row["isActive"] != false || row["secretKey"] != "somebody-elses" {
		w.T.Fatalf("the webhook of somebody else: %v, %v", row, there)
	}
	return wrongOf(w, id, w.CallbackURL, func(h atsim.Webhook) bool { return h.Collection == "CompanyWebhooks" && h.ID == strange })
}

// fieldsOf is the entity of a webhook's fields.
func fieldsOf(h atsim.Webhook) string { return strings.TrimSuffix(h.Collection, "s") + "Fields" }

func fieldRows(w *service.Harness, h atsim.Webhook) []atsim.Row {
	var rows []atsim.Row
	for _, row := range w.Autotask.All(fieldsOf(h)) {
		if row["webhookID"] == h.ID {
			rows = append(rows, row)
		}
	}
	return rows
}

// addField subscribes a webhook to a field that it has not: the next free id of those that there are.
func addField(w *service.Harness, h atsim.Webhook, webhook int64) {
	used := map[any]bool{}
	for _, row := range fieldRows(w, h) {
		used[row["fieldID"]] = true
	}
	for field := int64(1); field < 200; field++ {
		if used[field] {
			continue
		}
		before := len(h.Fields)
		row := w.Autotask.Put(fieldsOf(h), atsim.Row{
			"webhookID": webhook, "fieldID": field, "isSubscribedField": true, "isDisplayAlwaysField": true,
		})
		for _, now := range w.Autotask.Webhooks() {
			if now.Collection == h.Collection && now.ID == webhook && len(now.Fields) > before {
				return
			}
		}
		w.Autotask.Remove(fieldsOf(h), row) // no field of that id
	}
	w.T.Fatal("no field is left to subscribe to")
}

// duplicate makes a second webhook like one, as a person who copies it does.
func duplicate(w *service.Harness, h atsim.Webhook, name string) {
	id := w.Autotask.Put(h.Collection, atsim.Row{
		"name": name, "webhookUrl": h.URL, "deactivationUrl": h.DeactivationURL, "secretKey": "typed by hand", "isActive": true,
		"isSubscribedToCreateEvents": true, "isSubscribedToUpdateEvents": true, "sendThresholdExceededNotification": false,
	})
	for _, row := range fieldRows(w, h) {
		w.Autotask.Put(fieldsOf(h), atsim.Row{
			"webhookID": id, "fieldID": row["fieldID"], "isSubscribedField": true, "isDisplayAlwaysField": false,
		})
	}
}

// TestASecretTypedByHandIsPutRight as soon as callbacks come that are not signed with ours, and what they told is found.
func TestASecretTypedByHandIsPutRight(t *testing.T) {
	t.Parallel()
	tenant := service.Unlimited()
	tenant.Scale = 0.02 // Autotask repeats a callback that was refused after half a minute
	w := service.New(t, service.Options{Autotask: tenant})
	in := w.Install()
	rightWebhooks(w, in.ID, w.CallbackURL)
	w.Drain(in.ID)
	hook := ownHook(t, w, "CompanyWebhooks", in.ID)
	before, _ := w.Autotask.Get(hook.Collection, hook.ID)
	w.Edit(hook.Collection, hook.ID, atsim.Row{"secretKey": "typed by hand"})
	var ids []int64
	for i := range 5 {
		ids = append(ids, w.Company(fmt.Sprintf("Edited meanwhile %d", i)))
	}
	w.Eventually("the webhook has our secret again", soon, func() error {
		now, _ := w.Autotask.Get(hook.Collection, hook.ID)
		if now["secretKey"] != before["secretKey"] {
			return fmt.Errorf("it has %q", now["secretKey"])
		}
		return nil
	})
	rightWebhooks(w, in.ID, w.CallbackURL)
	for i, id := range ids {
		w.ClientBecomes(id, "what was refused", soon, service.Named(fmt.Sprintf("Edited meanwhile %d", i)))
	}
	is(w, in.ID, v1.StateLive)
}

// TestAnotherPublicURL is registered at Autotask at the next start.
func TestAnotherPublicURL(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	id := w.Company("Northwind Dental")
	in := w.Install()
	rightWebhooks(w, in.ID, w.CallbackURL)
	guids := fmt.Sprint(w.Hook("CompanyWebhooks").GUID, w.Hook("ContactWebhooks").GUID)
	w.Stop()
	elsewhere := strings.Replace(w.CallbackURL, "127.0.0.1", "localhost", 1)
	w.Set("public-url", elsewhere)
	w.Start()
	rightWebhooks(w, in.ID, elsewhere)
	if now := fmt.Sprint(w.Hook("CompanyWebhooks").GUID, w.Hook("ContactWebhooks").GUID); now != guids {
		t.Errorf("the webhooks are others: %s, want %s", now, guids)
	}
	w.Rename(id, "By the new address")
	w.ClientBecomes(id, "an edit", soon, service.Named("By the new address"))
}

// TestARenamedInstallationKeepsItsWebhooks and gets no second ones.
func TestARenamedInstallationKeepsItsWebhooks(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	in := w.Install()
	rightWebhooks(w, in.ID, w.CallbackURL)
	name := "Another name, with ümlauts & more"
	shown, err := w.Admin.UpdateInstallation(t.Context(), in.ID, v1.UpdateInstallation{Name: &name})
	if err != nil || shown.Name != name {
		t.Fatalf("got %q, %v", shown.Name, err)
	}
	repair(w, in.ID)
	w.Stop()
	w.Start()
	rightWebhooks(w, in.ID, w.CallbackURL)
	if again := is(w, in.ID, v1.StateLive); again.Name != name || again.Webhooks[0].GUID != in.Webhooks[0].GUID {
		t.Errorf("after the restart: %+v, before: %+v", again, in)
	}
}

// TestKilledWhileRegistering: the service ends in the middle of its first
// registration and is started again.
func TestKilledWhileRegistering(t *testing.T) {
	t.Parallel()
	for _, after := range []int{0, 1, 2, 9, 20, 25} {
		t.Run(fmt.Sprintf("after %d calls", after), func(t *testing.T) {
			t.Parallel()
			c := newCutter()
			w := service.New(t, service.Options{Autotask: service.Unlimited(), Wrap: c.wrap})
			c.arm(after)
			in, err := w.Admin.CreateInstallation(t.Context(), service.Create())
			harness.OK(t, err)
			w.Eventually("cut off", soon, func() error {
				select {
				case <-c.cut():
					return nil
				default:
					return fmt.Errorf("not yet")
				}
			})
			w.Stop()
			c.mend()
			w.Start()
			rightWebhooks(w, in.ID, w.CallbackURL)
			is(w, in.ID, v1.StateLive)
		})
	}
}
