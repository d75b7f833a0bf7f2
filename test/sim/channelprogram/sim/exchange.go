package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// handle takes a request through the gates in the order of the contract: path
// and method, token and connection, quota, body, faults, state, and then the work.
func (ex *exchange) handle() (answer, *Problem) {
	var p *Problem
	if ex.route, p = findRoute(ex.r); p != nil {
		return answer{}, p
	}
	if p := ex.authenticate(); p != nil {
		return answer{}, p
	}
	if ex.route.op.entity() != "" && !ex.route.op.batch() && !externalIDPattern.MatchString(ex.route.externalID) {
		return answer{}, newProblem(http.StatusUnprocessableEntity, CodeInvalidRequest,
			"the external id in the path: want %s", externalIDPattern)
	}
	if ex.route.op.writes() {
		if p := ex.read(); p != nil {
			return answer{}, p
		}
	}
	ex.plan = ex.faults.plan(ex.conn.ID, ex.route.op, ex.records())
	if ans, p, done := ex.wholeFault(); done {
		return ans, p
	}
	return ex.work()
}

func (ex *exchange) work() (answer, *Problem) {
	if ex.route.op == opGetConnection {
		return ex.handshake()
	}
	ex.conn.mu.Lock()
	p := ex.conn.closed()
	ex.conn.mu.Unlock()
	switch {
	case p != nil:
		return answer{}, p
	case ex.route.op.batch():
		return ex.writeBatch()
	case ex.route.op.writes():
		return ex.writeOne()
	default:
		return ex.readRecord()
	}
}

func (ex *exchange) authenticate() *Problem {
	scheme, token, _ := strings.Cut(ex.r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return newProblem(http.StatusUnauthorized, CodeUnauthenticated, "a bearer token is required")
	}
	conn, ok := ex.find(ex.route.connection)
	if !ok {
		return newProblem(http.StatusNotFound, CodeConnectionNotFound, "no connection is called %q",
			ex.route.connection)
	}
	conn.mu.Lock()
	defer conn.mu.Unlock()
	if !conn.accepts(token) {
		return newProblem(http.StatusUnauthorized, CodeUnauthenticated, "the token is not one of connection %s",
			conn.ID)
	}
	ex.conn = conn
	return conn.quota.take(ex.w.Header(), ex.at)
}

// read takes the body in and finds the inputs in it. What stands in an input's
// data is not judged here: that is its own failure.
func (ex *exchange) read() *Problem {
	media, _, err := mime.ParseMediaType(ex.r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return newProblem(http.StatusUnsupportedMediaType, CodeUnsupportedMediaType, "want application/json, got %q",
			ex.r.Header.Get("Content-Type"))
	}
	ex.body, err = io.ReadAll(http.MaxBytesReader(nil, ex.r.Body, ex.config.MaxBodyBytes))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return newProblem(http.StatusRequestEntityTooLarge, CodePayloadTooLarge, "over %d bytes", tooLarge.Limit)
	}
	if err != nil {
		return newProblem(http.StatusBadRequest, CodeInvalidRequest, "the body broke off: %s", err)
	}
	tree, err := decodeJSON(ex.body)
	if err != nil {
		return newProblem(http.StatusBadRequest, CodeInvalidRequest, "the body is not JSON: %s", err)
	}
	if !ex.route.op.batch() {
		ex.inputs = []input{{externalID: ex.route.externalID, at: "#", value: tree, raw: ex.body}}
		return nil
	}
	var p *Problem
	ex.inputs, p = readBatch(ex.schema, ex.body, tree)
	return p
}

func decodeJSON(body []byte) (any, error) {
	if !utf8.Valid(body) {
		return nil, errors.New("it is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the value")
	}
	return tree, nil
}

func readBatch(rules schema, body []byte, tree any) ([]input, *Problem) {
	if errs := rules.batch(tree, "#"); len(errs) > 0 {
		return nil, invalid(errs)
	}
	var batch struct {
		Inputs []struct {
			ExternalID string          `json:"externalId"`
			Data       json.RawMessage `json:"data"`
		} `json:"inputs"`
	}
	if err := json.Unmarshal(body, &batch); err != nil {
		return nil, newProblem(http.StatusBadRequest, CodeInvalidRequest, "the body is not a batch: %s", err)
	}
	values := tree.(map[string]any)["inputs"].([]any)
	inputs := make([]input, len(batch.Inputs))
	seen := make(map[string]int, len(inputs))
	for i, in := range batch.Inputs {
		at := child("#/inputs", strconv.Itoa(i))
		if first, twice := seen[in.ExternalID]; twice {
			return nil, refusal(CodeDuplicateExternalID, at+"/externalId",
				in.ExternalID+" stands in the batch already, as input "+strconv.Itoa(first))
		}
		seen[in.ExternalID] = i
		inputs[i] = input{
			externalID: in.ExternalID, at: at + "/data", raw: in.Data,
			value: values[i].(map[string]any)["data"],
		}
	}
	return inputs, nil
}

// wholeFault lets a fault decide the request. A hang goes on to the work, which it holds up there.
func (ex *exchange) wholeFault() (ans answer, p *Problem, done bool) {
	f := ex.plan.request
	switch {
	case f == nil || f.Kind == FaultHang:
		return answer{}, nil, false
	case f.Kind == FaultReset:
		return answer{dropped: true}, nil, true
	case f.Kind == FaultAnswer:
		return f.answer(), nil, true
	case f.Kind == FaultServerError:
		return answer{status: http.StatusInternalServerError}, nil, true
	case ex.route.op == opGetConnection && (f.Kind == FaultPaused || f.Kind == FaultUninstalled):
		return answer{}, nil, false
	default:
		return answer{}, f.problem(), true
	}
}

// wait holds the request up as the faults say; false: it ends without an answer.
func (ex *exchange) wait() bool {
	if ex.plan.request != nil && ex.plan.request.Kind == FaultHang {
		select {
		case <-ex.r.Context().Done():
		case <-ex.plan.request.cleared:
		}
		return false
	}
	return ex.hold(ex.plan.delay)
}

// answersLate holds the answer back once the work is done.
func (ex *exchange) answersLate() {
	if f := ex.plan.shape; f != nil && f.Kind == FaultLateResponse {
		ex.hold(time.Duration(f.DelayMillis) * time.Millisecond)
	}
}

// hold waits; false: the caller went away.
func (ex *exchange) hold(d time.Duration) bool {
	if d == 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ex.r.Context().Done():
		return false
	}
}

// records are what the request writes, or the one that it reads.
func (ex *exchange) records() []input {
	switch {
	case ex.route.op.writes():
		return ex.inputs
	case ex.route.externalID != "":
		return []input{{externalID: ex.route.externalID}}
	default:
		return nil
	}
}
