package sim

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Operations, as the stats and the faults name them.
const (
	opZone      = "zone"
	opVersions  = "versions"
	opThreshold = "threshold"
	opGet       = "get"
	opQuery     = "query" // first page
	opNext      = "next"  // a page by its URL
	opCount     = "count"
	opList      = "list" // child collection
	opInfo      = "info"
	opFields    = "fields"
	opUDFs      = "udfs"
	opCreate    = "create"
	opUpdate    = "update"
	opReplace   = "replace"
	opDelete    = "delete"
	opWrongVerb = "405"
	opUnknown   = "404"
)

// classify says what a request asks for; segments is its path behind atservicesrest.
func (s *Sim) classify(r *http.Request, segments []string) *request {
	q := &request{Request: r, op: opUnknown, leave: func() {}}
	if len(segments) == 1 && strings.EqualFold(segments[0], "versioninformation") {
		q.resource, q.op = "VersionInformation", opVersions
		return q
	}
	if len(segments) < 2 || !strings.EqualFold(segments[0], "v1.0") {
		return q
	}
	name := segments[1]
	q.rest = segments[2:]
	switch {
	case strings.EqualFold(name, "zoneInformation"):
		q.resource, q.op = "ZoneInformation", opZone
	case strings.EqualFold(name, "thresholdInformation"):
		q.resource, q.op = "ThresholdInformation", verbs{http.MethodGet: opThreshold}.op(r.Method)
	default:
		if entity, ok := s.schema.Entity(name); ok {
			q.entity, q.resource = entity, entity.Name
			q.op = s.operation(q)
		}
	}
	return q
}

// verbs maps HTTP methods to operations.
type verbs map[string]string

func (v verbs) op(method string) string {
	if op, ok := v[method]; ok {
		return op
	}
	return opWrongVerb
}

func (s *Sim) operation(q *request) string {
	path := make([]string, len(q.rest))
	for i, segment := range q.rest {
		path[i] = strings.ToLower(segment)
	}
	switch len(path) {
	case 0:
		return s.rootVerbs(q).op(q.Method)
	case 1:
		switch path[0] {
		case "query":
			return verbs{http.MethodPost: opQuery, http.MethodGet: opQuery}.op(q.Method)
		case "entityinformation":
			return verbs{http.MethodGet: opInfo}.op(q.Method)
		}
		if !isID(path[0]) {
			return opUnknown
		}
		v := verbs{http.MethodGet: opGet}
		if q.entity.CanDelete() {
			v[http.MethodDelete] = opDelete
		}
		return v.op(q.Method)
	}
	if path[0] == "query" && len(path) == 2 {
		switch path[1] {
		case "count":
			return verbs{http.MethodPost: opCount, http.MethodGet: opCount}.op(q.Method)
		case "next", "prev":
			return s.pageVerbs(q).op(q.Method)
		}
		return opUnknown
	}
	if path[0] == "entityinformation" && len(path) == 2 {
		switch path[1] {
		case "fields":
			return verbs{http.MethodGet: opFields}.op(q.Method)
		case "userdefinedfields":
			return verbs{http.MethodGet: opUDFs}.op(q.Method)
		}
		return opUnknown
	}
	return s.childOperation(q, path)
}

// rootVerbs: a child entity has no create of its own at the top; asking for it is an unknown path, not a wrong verb.
func (s *Sim) rootVerbs(q *request) verbs {
	v := verbs{}
	if q.entity.CanCreate() && !isHookFields(q.entity) {
		v[http.MethodPost] = opCreate
	} else if q.entity.Parent != nil {
		v[http.MethodPost] = opUnknown
	}
	if q.entity.CanUpdate() {
		v[http.MethodPatch], v[http.MethodPut] = opUpdate, opReplace
	}
	return v
}

// pageVerbs: a page URL from a POST query is followed with POST, one from a GET query carries its search and takes GET.
func (s *Sim) pageVerbs(q *request) verbs {
	if q.URL.Query().Has("search") {
		return verbs{http.MethodGet: opNext}
	}
	return verbs{http.MethodPost: opNext}
}

// childOperation: /{Entity}/{id}/{Child}[/{childId}|/next].
func (s *Sim) childOperation(q *request, path []string) string {
	if !isID(path[0]) || len(path) > 3 {
		return opUnknown
	}
	child, ok := s.schema.Child(q.entity, path[1])
	if !ok {
		return opUnknown
	}
	v := verbs{http.MethodGet: opList}
	switch {
	case len(path) == 2:
		if child.CanCreate() {
			v[http.MethodPost] = opCreate
		}
		if child.CanUpdate() {
			v[http.MethodPatch], v[http.MethodPut] = opUpdate, opReplace
		}
	case path[2] == "next":
	case !isID(path[2]):
		return opUnknown
	case child.CanDelete():
		v[http.MethodDelete] = opDelete
	}
	return v.op(q.Method)
}

func isID(segment string) bool {
	_, err := strconv.ParseInt(segment, 10, 64)
	return err == nil
}

// dispatch runs a request that has passed every gate.
func (s *Sim) dispatch(q *request) answer {
	modes := s.Modes()
	reads := []string{opGet, opQuery, opNext, opCount, opList}
	if slices.Contains(reads, q.op) {
		// Impersonation is judged by the rights of whoever is impersonated, who has none here.
		if modes.denies(q.resource) || q.Header.Get("ImpersonationResourceId") != "" {
			return refused(textNoQueryRight)
		}
	}
	switch q.op {
	case opThreshold:
		return s.threshold()
	case opGet:
		return s.get(q)
	case opQuery, opNext:
		return s.query(q)
	case opCount:
		return s.count(q)
	case opList:
		return s.list(q)
	case opInfo:
		return s.info(q)
	case opFields:
		return s.fields(q)
	case opUDFs:
		return s.udfs(q)
	case opCreate, opUpdate, opReplace:
		return s.write(q)
	case opDelete:
		return s.delete(q)
	}
	return wrongVerb(q.Method)
}
