package schema

import (
	"math/rand/v2"
	"strings"
)

// pinnedHookIDs are the two ids the vendor has published (its own Postman collection); every other id differs between
// tenants, so a client must look them up by label.
var pinnedHookIDs = map[string]int64{"companyName": 7, "companyType": 24}

// assignHookIDs gives each watchable field its id on the fieldID picklist: pinned ones as published, others shuffled.
func (e *Entity) assignHookIDs(seed int64) {
	e.hookIDs, e.hookPos = map[int]int64{}, map[int64]int{}
	if e.Wire == "" {
		return
	}
	taken := map[int64]bool{}
	if e.Name == "Companies" {
		for name, id := range pinnedHookIDs {
			e.hookIDs[e.Must(name)], taken[id] = id, true
		}
	}
	rng := rand.New(rand.NewPCG(uint64(seed), uint64(len(e.Fields))))
	free := rng.Perm(len(e.Fields) * 2)
	for pos, f := range e.Fields {
		if !f.Hook || e.hookIDs[pos] != 0 {
			continue
		}
		id := int64(0)
		for id == 0 || taken[id] {
			id, free = int64(free[0]+1), free[1:]
		}
		e.hookIDs[pos], taken[id] = id, true
	}
	for pos, id := range e.hookIDs {
		e.hookPos[id] = pos
	}
}

// HookField is the position of the field with an id of the webhook's fieldID picklist.
func (e *Entity) HookField(id int64) (int, bool) { pos, ok := e.hookPos[id]; return pos, ok }

// WireName is a field's name inside callouts and on the fieldID picklist: the REST name, capitalised.
func (f Field) WireName() string { return strings.ToUpper(f.Name[:1]) + f.Name[1:] }

func (e *Entity) hookChoices() []Choice {
	var list []Choice
	for pos, f := range e.Fields {
		if id, ok := e.hookIDs[pos]; ok {
			list = append(list, Choice{id, f.WireName()})
		}
	}
	return list
}

// firstUDF is the id of a tenant's first user-defined field on the udfFieldID picklist; the vendor's published example is
// one of these.
const firstUDF = 29682851

// HookUDF is the name of the user-defined field with an id of the webhook's udfFieldID picklist.
func (e *Entity) HookUDF(id int64) (string, bool) {
	if id < firstUDF || id >= firstUDF+int64(len(e.UDFs)) {
		return "", false
	}
	return e.UDFs[id-firstUDF], true
}

func (e *Entity) udfChoices() []Choice {
	list := make([]Choice, 0, len(e.UDFs))
	for i, name := range e.UDFs {
		list = append(list, Choice{firstUDF + int64(i), name})
	}
	return list
}
