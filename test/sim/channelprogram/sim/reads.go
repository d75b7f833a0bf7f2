package sim

import "net/http"

// handshake answers for a paused or uninstalled connection too, so that a caller sees when it is active again.
func (ex *exchange) handshake() (answer, *Problem) {
	if !ex.wait() {
		return answer{dropped: true}, nil
	}
	c := ex.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	state := c.State
	if f := ex.plan.request; f != nil && f.Kind == FaultPaused {
		state = StatePaused
	} else if f != nil && f.Kind == FaultUninstalled {
		state = StateUninstalled
	}
	return answer{status: http.StatusOK, body: connectionAnswer{
		ID: c.ID, AccountName: c.AccountName, State: state, Syncs: c.Syncs, Currencies: c.Currencies,
		Limits: limits{
			MaxBatch: ex.config.MaxBatch, MaxBodyBytes: ex.config.MaxBodyBytes,
			IdempotencyTTLSeconds: int(idempotencyTTL.Seconds()),
		},
	}}, nil
}

func (ex *exchange) readRecord() (answer, *Problem) {
	if !ex.wait() {
		return answer{dropped: true}, nil
	}
	c, id := ex.conn, ex.route.externalID
	page := pageURL(ex.r, c.ID)
	c.mu.Lock()
	defer c.mu.Unlock()
	if ex.route.op == opGetClient {
		stored := c.clients[id]
		if stored == nil {
			return answer{}, newProblem(http.StatusNotFound, CodeClientNotFound, "no client has the external id %s", id)
		}
		out := stored.copy()
		return answer{status: http.StatusOK, body: storedAnswer{
			ExternalID: id, Data: out.Data, TargetURL: page + "#" + out.TargetID, Revision: out.Revision,
			UpdatedAt: out.UpdatedAt,
		}}, nil
	}
	stored := c.contracts[id]
	if stored == nil {
		return answer{}, newProblem(http.StatusNotFound, CodeContractNotFound, "no contract has the external id %s", id)
	}
	out := stored.copy()
	return answer{status: http.StatusOK, body: storedAnswer{
		ExternalID: id, Data: out.Data, TargetURL: page + "#" + out.TargetID, Revision: out.Revision,
		UpdatedAt: out.UpdatedAt,
	}}, nil
}
