package property

import (
	"fmt"
	"maps"
	"time"

	"pgregory.net/rapid"

	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
)

// step is one thing that happens. Which and how choose among what there is when
// it happens, so that any part of a history is a history too.
type step struct{ Move, Which, How int }

func oneStep() *rapid.Generator[step] {
	return rapid.Custom(func(t *rapid.T) step {
		return step{
			Move:  rapid.IntRange(0, len(moves())-1).Draw(t, "move"),
			Which: rapid.IntRange(0, 999).Draw(t, "which"),
			How:   rapid.IntRange(0, 999).Draw(t, "how"),
		}
	})
}

// moves are all that can happen; what stands there twice happens twice as often.
func moves() []func(h *history, which, how int) string {
	return []func(h *history, which, how int) string{
		edit("Companies", companyEdits()), edit("Companies", companyEdits()), edit("Companies", companyEdits()),
		create("Companies", newCompany), remove("Companies", customers), (*history).merge,
		edit("Companies", vendorEdits(), ofType(7)), edit("Companies", vendorEdits(), ofType(7)), remove("Companies", ofType(7)),
		edit("Contacts", contactEdits()), edit("Contacts", contactEdits()), create("Contacts", newContact), remove("Contacts", all),
		edit("Contracts", contractEdits()), edit("Contracts", contractEdits()),
		create("Contracts", newContract), remove("Contracts", all),
		edit("ContractServices", serviceLineEdits()), create("ContractServices", newServiceLine), remove("ContractServices", all),
		edit("ContractServiceUnits", unitEdits(), running), edit("ContractServiceUnits", unitEdits(), running),
		create("ContractServiceUnits", newUnit), remove("ContractServiceUnits", running),
		create("ContractServiceBundles", newBundleLine), remove("ContractServiceBundles", all),
		edit("ContractServiceBundleUnits", bundleUnitEdits(), running), remove("ContractServiceBundleUnits", running),
		edit("ContractCharges", chargeEdits()), create("ContractCharges", newCharge), remove("ContractCharges", all),
		edit("Services", catalogueEdits()), edit("Services", catalogueEdits()), edit("ServiceBundles", bundleEdits()),
		create("ServiceBundleServices", newContent), remove("ServiceBundleServices", all),
		edit("Products", productEdits()), edit("ProductVendors", supplierEdits()), create("ProductVendors", newSupplier),
		(*history).misbehave, (*history).misbehave, (*history).misbehave, (*history).stumble, (*history).restart,
		(*history).breathe, (*history).breathe, (*history).breathe, (*history).breathe, (*history).rest,
	}
}

func (h *history) do(s step) {
	what := moves()[s.Move](h, s.Which, s.How)
	h.done = append(h.done, what)
}

// rows are the rows of an entity that a move may choose from. Company 0 is the
// provider itself and stays.
func (h *history) rows(entity string, fit func(atsim.Row) bool) []atsim.Row {
	var out []atsim.Row
	for _, r := range h.Autotask.All(entity) {
		if fit(r) && (entity != "Companies" || r["id"] != int64(0)) {
			out = append(out, r)
		}
	}
	return out
}

func all(atsim.Row) bool { return true }

func ofType(n int64) func(atsim.Row) bool {
	return func(r atsim.Row) bool { return r["companyType"] == n }
}

func customers(r atsim.Row) bool { return ofType(1)(r) }

// running is a unit row or a contract that has not ended. Those that have are history,
// which only the daily sweep compares.
func running(r atsim.Row) bool {
	end, ends := r["endDate"].(time.Time)
	return !ends || !end.Before(time.Now().UTC().Truncate(24*time.Hour))
}

// id is the id of one of the rows of an entity; 0 when there is none.
func (h *history) id(entity string, which int) int64 {
	rows := h.rows(entity, all)
	if len(rows) == 0 {
		return 0
	}
	return rows[which%len(rows)]["id"].(int64)
}

// change makes the fields of one edit from a number.
type change func(h *history, how int) atsim.Row

// edit changes one row as a person would.
func edit(entity string, changes []change, fit ...func(atsim.Row) bool) func(*history, int, int) string {
	if len(fit) == 0 {
		fit = append(fit, all)
	}
	return func(h *history, which, how int) string {
		rows := h.rows(entity, fit[0])
		if len(rows) == 0 {
			return "no " + entity + " to edit"
		}
		id := rows[which%len(rows)]["id"].(int64)
		fields := changes[how%len(changes)](h, how/len(changes))
		if err := h.Autotask.Edit(entity, id, fields); err != nil {
			h.t.Fatalf("edit %s %d: %v", entity, id, err)
		}
		return fmt.Sprintf("%s %d: %v", entity, id, fields)
	}
}

func create(entity string, row func(h *history, which, how int) atsim.Row) func(*history, int, int) string {
	return func(h *history, which, how int) string {
		fields := row(h, which, how)
		said := maps.Clone(fields)
		id := h.Autotask.Put(entity, fields)
		return fmt.Sprintf("%s %d: new %v", entity, id, said)
	}
}

func remove(entity string, fit func(atsim.Row) bool) func(*history, int, int) string {
	return func(h *history, which, _ int) string {
		rows := h.rows(entity, fit)
		if len(rows) == 0 {
			return "no " + entity + " to delete"
		}
		id := rows[which%len(rows)]["id"].(int64)
		h.Autotask.Remove(entity, id)
		return fmt.Sprintf("%s %d: deleted", entity, id)
	}
}

// merge merges one company into another; the source is deactivated or deleted.
func (h *history) merge(which, how int) string {
	from, into := h.id("Companies", which), h.id("Companies", how)
	if from == into {
		return "no two companies to merge"
	}
	deletes := how%2 == 0
	h.Autotask.SetModes(func(m *atsim.Modes) { m.MergeDeletes = deletes })
	harness.OK(h.t, h.Autotask.Merge(from, into))
	return fmt.Sprintf("Companies %d: merged into %d, deleted %v", from, into, deletes)
}

// one makes a change of one field that takes one of a few values.
func one(field string, values ...any) change {
	return func(_ *history, how int) atsim.Row { return atsim.Row{field: values[how%len(values)]} }
}

// ref makes a change of a field to the id of a row of another entity.
func ref(field, entity string) change {
	return func(h *history, how int) atsim.Row {
		if id := h.id(entity, how); id != 0 {
			return atsim.Row{field: id}
		}
		return atsim.Row{}
	}
}

// money holds what figures may be: none, nothing, less than nothing, and more
// places than are pushed.
func money() []any { return []any{nil, 0, "-3", "0.005", "12.5", "250", "1234.56785", "0.00004"} }

// around is a period of days about today.
func around(from, to int) atsim.Row {
	now := time.Now().UTC().Truncate(24 * time.Hour)
	return atsim.Row{"startDate": now.AddDate(0, 0, from), "endDate": now.AddDate(0, 0, to)}
}
