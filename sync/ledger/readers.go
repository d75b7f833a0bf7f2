package ledger

import "slices"

// readers tell which companies' projections read a contact. Nearly every contact has
// one; a contact that moved has two until the old company is fetched.
type readers struct {
	first map[int64]int64   // by contact
	also  map[int64][]int64 // by contact, those after the first
}

func (r *readers) add(company int64, contacts []contact) {
	if r.first == nil {
		r.first, r.also = map[int64]int64{}, map[int64][]int64{}
	}
	for _, c := range contacts {
		switch first, ok := r.first[c.id]; {
		case !ok:
			r.first[c.id] = company
		case first != company && !slices.Contains(r.also[c.id], company):
			r.also[c.id] = append(r.also[c.id], company)
		}
	}
}

func (r *readers) drop(company int64, contacts []contact) {
	for _, c := range contacts {
		left := slices.DeleteFunc(r.of(c.id), func(one int64) bool { return one == company })
		delete(r.also, c.id)
		switch len(left) {
		case 0:
			delete(r.first, c.id)
		case 1:
			r.first[c.id] = left[0]
		default:
			r.first[c.id], r.also[c.id] = left[0], left[1:]
		}
	}
}

// of returns the companies that read a contact.
func (r *readers) of(contact int64) []int64 {
	first, ok := r.first[contact]
	if !ok {
		return nil
	}
	return append([]int64{first}, r.also[contact]...)
}
