package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"channelsync/test/sim/autotask/fault"
	"channelsync/test/sim/autotask/schema"
	"channelsync/test/sim/autotask/seed"
	"channelsync/test/sim/autotask/store"
)

// controlRoutes steers the simulator from another process: JSON, no log-in, never counted and never faulted.
func (s *Sim) controlRoutes() http.Handler {
	r := chi.NewRouter()
	r.Get("/", s.servePage)
	r.Route("/sim", func(r chi.Router) {
		r.Get("/state", s.serveState)
		r.Get("/stats", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, s.Stats()) })
		r.Post("/stats/reset", s.do(func(*http.Request) error { s.ResetStats(); return nil }))
		r.Get("/webhooks", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, s.Webhooks()) })
		r.Get("/callouts", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, s.Callouts()) })
		r.Post("/callouts/wait", s.do(func(r *http.Request) error { return s.WaitCallouts(r.Context()) }))
		r.Get("/faults", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, s.Faults()) })
		r.Post("/faults", s.addFault)
		r.Delete("/faults", s.do(func(*http.Request) error { s.ClearFaults(0); return nil }))
		r.Delete("/faults/{id}", s.do(func(r *http.Request) error {
			id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
			if err == nil {
				s.ClearFaults(id)
			}
			return err
		}))
		r.Get("/modes", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, s.Modes()) })
		r.Post("/modes", s.turnModes)
		r.Post("/users", s.userRequest)
		r.Delete("/users/{name}", s.do(func(r *http.Request) error { s.RemoveUser(chi.URLParam(r, "name")); return nil }))
		r.Post("/unlock", s.do(func(*http.Request) error { s.Unlock(); return nil }))
		r.Post("/merge", s.do(s.mergeRequest))
		r.Post("/seed", s.do(s.seedRequest))
		r.Post("/{entity}", s.putRequest)
		r.Get("/{entity}/{id}", s.getRequest)
		r.Post("/{entity}/{id}/{operation}", s.operateRequest)
		r.Delete("/{entity}/{id}", s.do(func(r *http.Request) error {
			id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
			if err == nil {
				s.Remove(chi.URLParam(r, "entity"), id)
			}
			return err
		}))
	})
	return r
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has gone is none of our business
}

func complain(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	if errors.Is(err, store.ErrNotFound) {
		status = http.StatusNotFound
	}
	reply(w, status, map[string]string{"error": err.Error()})
}

// do answers 204 when the work succeeds.
func (s *Sim) do(work func(*http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := work(r); err != nil {
			complain(w, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

func decode(r *http.Request, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBody))
	d.UseNumber()
	d.DisallowUnknownFields()
	return d.Decode(into)
}

func (s *Sim) serveState(w http.ResponseWriter, r *http.Request) {
	raw, err := s.StateJSON(r.URL.Query().Get("entity"))
	if err != nil {
		complain(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(raw)
}

func (s *Sim) addFault(w http.ResponseWriter, r *http.Request) {
	var f fault.Fault
	if err := decode(r, &f); err != nil {
		complain(w, err)
		return
	}
	id, err := s.faults.Add(f)
	if err != nil {
		complain(w, err)
		return
	}
	reply(w, http.StatusCreated, map[string]int64{"id": id})
}

// turnModes sets the switches that the body names and leaves the others.
func (s *Sim) turnModes(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		complain(w, err)
		return
	}
	s.SetModes(func(m *Modes) {
		turned := *m
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		if err = d.Decode(&turned); err == nil {
			*m = turned
		}
	})
	if err != nil {
		complain(w, err)
		return
	}
	reply(w, http.StatusOK, s.Modes())
}

func (s *Sim) mergeRequest(r *http.Request) error {
	var merge struct{ Source, Destination int64 }
	if err := decode(r, &merge); err != nil {
		return err
	}
	return s.Merge(merge.Source, merge.Destination)
}

func (s *Sim) seedRequest(r *http.Request) error {
	var spec seed.Spec
	if err := decode(r, &spec); err != nil {
		return err
	}
	s.Seed(spec)
	return nil
}

func (s *Sim) userRequest(w http.ResponseWriter, r *http.Request) {
	var u struct{ Username, Secret string }
	if err := decode(r, &u); err != nil {
		complain(w, err)
		return
	}
	id, err := s.addUser(u.Username, u.Secret)
	if err != nil {
		complain(w, err)
		return
	}
	reply(w, http.StatusCreated, map[string]int64{"id": id})
}

func (s *Sim) putRequest(w http.ResponseWriter, r *http.Request) {
	fields := Row{}
	if err := decode(r, &fields); err != nil {
		complain(w, err)
		return
	}
	id, err := s.put(chi.URLParam(r, "entity"), fields)
	if err != nil {
		complain(w, err)
		return
	}
	reply(w, http.StatusOK, map[string]int64{"id": id})
}

func (s *Sim) operateRequest(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	if err != nil {
		complain(w, err)
		return
	}
	var o operation
	if err := decode(r, &o); err != nil && !errors.Is(err, io.EOF) { // some need no body
		complain(w, err)
		return
	}
	if id, err = s.operate(chi.URLParam(r, "entity"), id, chi.URLParam(r, "operation"), o); err != nil {
		complain(w, err)
		return
	}
	reply(w, http.StatusOK, map[string]int64{"id": id})
}

func (s *Sim) getRequest(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	if err != nil {
		complain(w, err)
		return
	}
	e, known := s.schema.Entity(chi.URLParam(r, "entity"))
	if !known {
		complain(w, store.ErrNotFound)
		return
	}
	row, found := s.store.Get(e, id)
	if !found {
		complain(w, store.ErrNotFound)
		return
	}
	reply(w, http.StatusOK, json.RawMessage(e.AppendJSON(nil, row, schema.View{})))
}
