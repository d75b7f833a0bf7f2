package handlers

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/handlers/admin"
)

// manyFeeds are feeds in which nothing happens.
type manyFeeds struct{ admin.Activity }

func (manyFeeds) Feed(context.Context, string) (<-chan v1.FeedEvent, error) {
	return make(chan v1.FeedEvent), nil
}

// TestStreamsOfTheAPIAndTheConsoleAreBoundedTogether: whoever has 64 feeds open follows no
// page of the console beside them.
func TestStreamsOfTheAPIAndTheConsoleAreBoundedTogether(t *testing.T) {
	streams := admin.NewStreams()
	var leaves []func()
	for range 64 {
		leave, refused := streams.Take(httptest.NewRecorder(), "root")
		if refused != nil {
			t.Fatal(refused)
		}
		leaves = append(leaves, leave)
	}
	api := admin.New(admin.Config{Activity: manyFeeds{}, Streams: streams, Log: zap.NewNop()})
	h := must(Admin(AdminConfig{
		Sessions: inMemory(), API: api, Streams: streams, Tokens: tokens{token: {ID: "root", Name: "root", Role: v1.RoleAdmin}}, Key: token,
		Metrics: prometheus.NewRegistry(), Log: zap.NewNop(),
	}))
	login := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader("token="+string(token)))
	login.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answered := httptest.NewRecorder()
	h.ServeHTTP(answered, login)
	ask := func(path string) (int, string) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second) // those that are let in have no end
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)
		r.Header.Set("Accept", "text/event-stream")
		r.Header.Set("Authorization", "Bearer "+string(token))
		for _, c := range answered.Result().Cookies() {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		var served sync.WaitGroup
		served.Go(func() { h.ServeHTTP(w, r) })
		served.Wait()
		return w.Code, w.Body.String()
	}
	for _, path := range []string{"/installations/" + mine, "/api/v1/installations/" + mine + "/feed"} {
		if code, body := ask(path); code != http.StatusTooManyRequests {
			t.Errorf("%s beside 64 others: got %d %s", path, code, body)
		}
	}
	for _, leave := range leaves {
		leave()
	}
	for _, path := range []string{"/installations/" + mine, "/api/v1/installations/" + mine + "/feed"} {
		if code, body := ask(path); code != http.StatusOK {
			t.Errorf("%s once they are closed: got %d %s", path, code, body)
		}
	}
}
