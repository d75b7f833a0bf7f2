package oracle

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAgreeWaitsUntilBothSidesAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		polls := 0
		actual := func() State {
			if polls++; polls < 4 {
				return State{}
			}
			return sample()
		}
		if err := Agree(ctx, sample, actual); err != nil || polls != 4 {
			t.Errorf("after %d polls: %v", polls, err)
		}
	})
}

func TestAgreeFollowsAnExpectationThatMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		polls := 0
		expected := func() State {
			if polls++; polls < 3 {
				return State{}
			}
			return sample()
		}
		if err := Agree(t.Context(), expected, sample); err != nil || polls != 3 {
			t.Errorf("after %d polls: %v", polls, err)
		}
	})
}

func TestAgreeLooksOnceEvenWhenTimeIsUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Agree(ctx, sample, sample); err != nil {
		t.Errorf("both sides agree, but: %v", err)
	}
}

func TestAgreeGivesUpWithTheFirstTenDifferences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		many := State{Clients: map[string]Client{}}
		for i := range 12 {
			many.Clients[fmt.Sprint(i+1)] = Client{Name: "Some"}
		}
		err := Agree(ctx, func() State { return many }, func() State { return State{} })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("the error does not wrap why: %v", err)
		}
		lines := strings.Split(err.Error(), "\n")
		if len(lines) != 1+1+10+1 || lines[1] != "differences: 12" || lines[12] != "  and 2 more" ||
			lines[2] != "  client 1: expected it to be there, got nothing" ||
			lines[11] != "  client 10: expected it to be there, got nothing" {
			t.Errorf("the error reads:\n%v", err)
		}
	})
}
