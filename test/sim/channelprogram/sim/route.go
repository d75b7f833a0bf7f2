package sim

import (
	"net/http"
	"net/url"
	"strings"
)

// An operation is an operationId of the contract.
type operation string

const (
	opGetConnection   operation = "getConnection"
	opGetClient       operation = "getClient"
	opUpsertClient    operation = "upsertClient"
	opBatchClients    operation = "batchUpsertClients"
	opGetContract     operation = "getContract"
	opUpsertContract  operation = "upsertContract"
	opBatchContracts  operation = "batchUpsertContracts"
	opUnknown         operation = "unknown"
	operationsWriting           = "writes" // in a fault: every operation that writes
	operationsReading           = "reads"  // in a fault: every other one
)

func (op operation) batch() bool { return op == opBatchClients || op == opBatchContracts }

func (op operation) writes() bool {
	return op.batch() || op == opUpsertClient || op == opUpsertContract
}

// The entities that the ingest API takes.
const (
	EntityClient   = "client"
	EntityContract = "contract"
)

func (op operation) entity() string {
	switch op {
	case opGetClient, opUpsertClient, opBatchClients:
		return EntityClient
	case opGetContract, opUpsertContract, opBatchContracts:
		return EntityContract
	default:
		return ""
	}
}

type route struct {
	op         operation
	connection string
	externalID string
}

// findRoute reads the path by itself, since a mux would clean away external ids such as "..", which are legal.
func findRoute(r *http.Request) (route, *Problem) {
	none := route{op: opUnknown}
	segments := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	for i, s := range segments {
		plain, err := url.PathUnescape(s)
		if err != nil {
			return none, noSuchPath(r)
		}
		segments[i] = plain
	}
	if len(segments) < 3 || segments[0] != "v1" || segments[1] != "connections" {
		return none, noSuchPath(r)
	}
	methods, externalID := operationsOf(segments[3:])
	if methods == nil {
		return none, noSuchPath(r)
	}
	op, ok := methods[r.Method]
	if !ok {
		return none, methodNotAllowed(r.Method, methods)
	}
	return route{op: op, connection: segments[2], externalID: externalID}, nil
}

func operationsOf(rest []string) (methods map[string]operation, externalID string) {
	switch {
	case len(rest) == 0:
		return map[string]operation{http.MethodGet: opGetConnection}, ""
	case len(rest) == 2 && rest[0] == "clients":
		return map[string]operation{http.MethodGet: opGetClient, http.MethodPut: opUpsertClient}, rest[1]
	case len(rest) == 2 && rest[0] == "contracts":
		return map[string]operation{http.MethodGet: opGetContract, http.MethodPut: opUpsertContract}, rest[1]
	case len(rest) == 3 && rest[0] == "clients" && rest[1] == "batch" && rest[2] == "upsert":
		return map[string]operation{http.MethodPost: opBatchClients}, ""
	case len(rest) == 3 && rest[0] == "contracts" && rest[1] == "batch" && rest[2] == "upsert":
		return map[string]operation{http.MethodPost: opBatchContracts}, ""
	default:
		return nil, ""
	}
}

func noSuchPath(r *http.Request) *Problem {
	return newProblem(http.StatusNotFound, CodeNotFound, "nothing is at %s", r.URL.Path)
}

func methodNotAllowed(method string, methods map[string]operation) *Problem {
	var allowed []string
	for _, m := range []string{http.MethodGet, http.MethodPut, http.MethodPost} {
		if _, ok := methods[m]; ok {
			allowed = append(allowed, m)
		}
	}
	p := newProblem(http.StatusMethodNotAllowed, CodeMethodNotAllowed, "%s is not among %s", method,
		strings.Join(allowed, ", "))
	p.allow = strings.Join(allowed, ", ")
	return p
}
