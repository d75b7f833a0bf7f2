package sim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// controlRoutes serves what the Go API offers to whoever runs the simulator as
// a program of its own. It asks for no token: it is not for networks of others.
func (s *Sim) controlRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.servePage(pageTemplate()))
	mux.HandleFunc("GET /sim/state", s.serveState)
	mux.HandleFunc("GET /sim/history", s.serveHistory)
	mux.HandleFunc("GET /sim/writes", s.serveWrites)
	mux.HandleFunc("GET /sim/stats", func(w http.ResponseWriter, _ *http.Request) { respond(w, s.Stats()) })
	mux.HandleFunc("POST /sim/stats/reset", func(w http.ResponseWriter, _ *http.Request) {
		s.ResetStats()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /sim/overlaps", func(w http.ResponseWriter, _ *http.Request) { respond(w, s.Overlaps()) })
	mux.HandleFunc("GET /sim/faults", func(w http.ResponseWriter, _ *http.Request) { respond(w, s.Faults()) })
	mux.HandleFunc("POST /sim/faults", s.serveSetFault)
	mux.HandleFunc("DELETE /sim/faults", s.serveClearFaults)
	mux.HandleFunc("POST /sim/edit", command(s.Edit))
	mux.HandleFunc("POST /sim/empty", command(s.empty))
	mux.HandleFunc("POST /sim/unlinked", command(s.addUnlinked))
	mux.HandleFunc("POST /sim/connections", command(s.AddConnection))
	mux.HandleFunc("POST /sim/connections/state", command(s.setState))
	mux.HandleFunc("POST /sim/connections/tokens", command(s.setTokens))
	return mux
}

// connectionView is a connection as GET /sim/state shows it, without its tokens.
type connectionView struct {
	ID          string     `json:"id"`
	AccountName string     `json:"accountName"`
	State       string     `json:"state"`
	Syncs       []string   `json:"syncs"`
	Currencies  []string   `json:"currencies"`
	Clients     []Client   `json:"clients"`
	Contracts   []Contract `json:"contracts"`
}

func (s *Sim) serveState(w http.ResponseWriter, r *http.Request) {
	wanted := r.URL.Query().Get("connection")
	views := []connectionView{}
	for _, c := range s.Connections() {
		if wanted != "" && wanted != c.ID {
			continue
		}
		views = append(views, connectionView{
			ID: c.ID, AccountName: c.AccountName, State: c.State, Syncs: c.Syncs,
			Currencies: notNil(c.Currencies), Clients: notNil(s.Clients(c.ID)), Contracts: notNil(s.Contracts(c.ID)),
		})
	}
	respond(w, map[string]any{"connections": views})
}

// serveHistory takes connection, externalId, entity and limit (the newest so many; default all).
func (s *Sim) serveHistory(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	limit, err := strconv.Atoi(cmp.Or(q.Get("limit"), "0"))
	if err != nil || limit < 0 {
		refuse(w, fmt.Errorf("read limit: %q is not a number", q.Get("limit")))
		return
	}
	pushes := []Push{}
	for _, c := range s.Connections() {
		if id := q.Get("connection"); id == "" || id == c.ID {
			pushes = append(pushes, s.Pushes(c.ID)...)
		}
	}
	pushes = slices.DeleteFunc(pushes, func(p Push) bool {
		id, entity := q.Get("externalId"), q.Get("entity")
		return (id != "" && id != p.ExternalID) || (entity != "" && entity != p.Entity)
	})
	slices.SortStableFunc(pushes, func(a, b Push) int { return a.At.Compare(b.At) })
	if limit > 0 {
		pushes = pushes[max(0, len(pushes)-limit):]
	}
	respond(w, map[string]any{"pushes": pushes})
}

func (s *Sim) serveWrites(w http.ResponseWriter, r *http.Request) {
	writes := make(map[string]map[string]map[string]int)
	for _, c := range s.Connections() {
		if id := r.URL.Query().Get("connection"); id == "" || id == c.ID {
			writes[c.ID] = s.Writes(c.ID)
		}
	}
	respond(w, writes)
}

func (s *Sim) serveSetFault(w http.ResponseWriter, r *http.Request) {
	f, err := readCommand[Fault](r)
	if err == nil {
		f.ID, err = s.SetFault(f)
	}
	if err != nil {
		refuse(w, err)
		return
	}
	writeJSON(w, jsonAnswer{http.StatusCreated, "application/json", f})
}

// serveClearFaults clears one by ?id=, else all.
func (s *Sim) serveClearFaults(w http.ResponseWriter, r *http.Request) {
	if id := r.URL.Query().Get("id"); id == "" {
		s.ClearFaults()
	} else if !s.ClearFault(id) {
		refuse(w, fmt.Errorf("clear fault %s: there is none", id))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

type oneConnection struct {
	Connection string `json:"connection"`
	Name       string `json:"name,omitempty"`
	State      string `json:"state,omitempty"`
	Token      string `json:"token,omitempty"`
	OldToken   string `json:"oldToken,omitempty"`
}

func (s *Sim) empty(c oneConnection) error {
	if c.Connection != "" {
		return s.Empty(c.Connection)
	}
	s.EmptyAll()
	return nil
}

func (s *Sim) addUnlinked(c oneConnection) error {
	_, err := s.AddUnlinkedClient(c.Connection, c.Name)
	return err
}

func (s *Sim) setState(c oneConnection) error { return s.SetState(c.Connection, c.State) }

func (s *Sim) setTokens(c oneConnection) error { return s.SetTokens(c.Connection, c.Token, c.OldToken) }

// command answers 204, or 400 with what was wrong.
func command[T any](do func(T) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := readCommand[T](r)
		if err == nil {
			err = do(body)
		}
		if err != nil {
			refuse(w, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

// readCommand takes an empty body for an empty command.
func readCommand[T any](r *http.Request) (T, error) {
	var body T
	if r.ContentLength == 0 {
		return body, nil
	}
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, defaultMaxBodyBytes))
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil {
		return body, fmt.Errorf("read body: %w", err)
	}
	return body, nil
}

func respond(w http.ResponseWriter, body any) {
	writeJSON(w, jsonAnswer{http.StatusOK, "application/json", body})
}

func refuse(w http.ResponseWriter, err error) {
	p := newProblem(http.StatusBadRequest, CodeInvalidRequest, "%s", err)
	writeJSON(w, jsonAnswer{p.Status, "application/problem+json", p})
}

func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
