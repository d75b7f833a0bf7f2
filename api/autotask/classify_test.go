package autotask

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestClassify has every row of the reference's table of errors (2.8), and the
// texts and statuses that its sections on limits and webhooks add.
func TestClassify(t *testing.T) {
	errs := func(text string) string { return fmt.Sprintf(`{"errors":[%q]}`, text) }
	const threads = "The Autotask API thread threshold of 3 threads has been exceeded."
	for name, tc := range map[string]struct {
		status int
		body   string
		kind   Kind
	}{
		"wrong secret":                      {401, errs("Authentication failed"), KindRefused},
		"wrong secret, empty body":          {401, "", KindRefused},
		"wrong secret, HTML":                {401, "<html>", KindRefused},
		"unknown user":                      {500, errs("Zone information could not be determined"), KindRefused},
		"wrong integration code":            {500, errs("IntegrationCode is invalid."), KindRefused},
		"locked user":                       {500, errs("The user account has been locked. Please see your Autotask Administrator for details."), KindRefused},
		"no rights, 500":                    {500, errs("The logged in Resource does not have the adequate permissions to query this entity type."), KindPermission},
		"no rights, 403":                    {403, "", KindPermission},
		"403 of a firewall":                 {403, "<html><body>Blocked</body></html>", KindUnavailable},
		"403 of a gateway":                  {403, `{"blocked":true}`, KindUnavailable},
		"webhooks used up":                  {500, errs("You have reached the maximum webhook limit."), KindPermission},
		"unknown field":                     {500, errs("Unable to find foo in the Company Entity"), KindInvalid},
		"unknown field with a name like it": {500, errs("Unable to find sendThresholdExceededNotification in the CompanyWebhook Entity"), KindInvalid},
		"MaxRecords":                        {500, errs("maxCountOfRecordsToReturn must be between 1 and 500"), KindInvalid},
		"wrong JSON type":                   {500, errs("Unexpected character encountered while parsing value: t. Path 'isActive'"), KindInvalid},
		"picklist":                          {500, errs("Picklist value [3] does not exist for priority. ; on record number [1]."), KindInvalid},
		"data violation":                    {500, errs("Data violation: x"), KindInvalid},
		"required":                          {500, errs("companyName is a required field."), KindInvalid},
		"name too long":                     {500, errs("name must be less than or equal to 50 characters"), KindInvalid},
		"too many conditions":               {500, errs("Invalid query syntax. Queries are limited to 500 or fewer 'OR' conditions."), KindInvalid},
		"page without its query":            {500, errs("Value cannot be null. Parameter name: queryModel"), KindInvalid},
		"wrong verb":                        {405, `{"Message":"The requested resource does not support http method 'GET'."}`, KindInvalid},
		"bad request":                       {400, "", KindInvalid},
		"conflict":                          {409, "", KindInvalid},
		"unknown path or id":                {404, `{"Message":"No HTTP resource was found."}`, KindNotFound},
		"id without a body":                 {404, " \r\n", KindNotFound},
		"404 of a firewall":                 {404, "<!doctype html>", KindUnavailable},
		"404 of a gateway":                  {404, `{"status":"no such host"}`, KindUnavailable},
		"delete of nothing":                 {500, errs("No message. No matching records found. The logged in Resource may not have the required permissions to delete the data."), KindNotFound},
		"thread limit":                      {429, errs(threads), KindThrottled},
		"thread limit by another status":    {500, errs(threads), KindThrottled},
		"hourly limit by text":              {500, errs("The request threshold of 10000 has been exceeded."), KindThrottled},
		"limit without a text":              {429, "", KindThrottled},
		"unknown text":                      {500, errs("Object reference not set to an instance of an object."), KindUnknown},
		"unknown text in an object":         {500, `{"errors":[{"message":"Something odd"}]}`, KindUnknown},
		"unknown text of ASP.NET":           {500, `{"Message":"An error has occurred."}`, KindUnknown},
		"500 empty":                         {500, "", KindUnavailable},
		"500 HTML":                          {500, "<html>", KindUnavailable},
		"500 empty list":                    {500, `{"errors":[]}`, KindUnavailable},
		"bad gateway":                       {502, "", KindUnavailable},
		"away":                              {503, errs("Service Unavailable"), KindUnavailable},
		"gateway timeout":                   {504, "", KindUnavailable},
		"request timeout":                   {408, "", KindUnavailable},
		"redirect":                          {302, "", KindUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			e := classify(tc.status, http.Header{}, []byte(tc.body), time.Now())
			if e == nil || e.Kind != tc.kind || e.Status != tc.status {
				t.Errorf("got %+v, want kind %s", e, tc.kind)
			}
		})
	}
	if e := classify(200, http.Header{}, []byte(`{"errors":["odd"]}`), time.Now()); e != nil {
		t.Errorf("a success became %v", e)
	}
}

func TestClassifyRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const threads = `{"errors":["API thread threshold of 3 threads has been exceeded"]}`
	for name, tc := range map[string]struct {
		header, body string
		want         time.Duration
	}{
		"thread limit: at once":   {"", threads, 0},
		"hourly limit: a minute":  {"", "", time.Minute},
		"seconds":                 {"7", "", 7 * time.Second},
		"seconds on threads":      {"2", threads, 2 * time.Second},
		"a date":                  {"Fri, 02 Jan 2026 03:04:35 GMT", "", 30 * time.Second},
		"a date in the past":      {"Fri, 02 Jan 2026 03:00:00 GMT", "", time.Minute},
		"never more than an hour": {"999999", "", time.Hour},
		"negative":                {"-5", "", time.Minute},
		"nonsense":                {"soon", "", time.Minute},
	} {
		header := http.Header{}
		if tc.header != "" {
			header.Set("Retry-After", tc.header)
		}
		if got := classify(429, header, []byte(tc.body), now); got.RetryAfter != tc.want || RetryAfterOf(got) != tc.want {
			t.Errorf("%s: RetryAfter %s, want %s", name, got.RetryAfter, tc.want)
		}
	}
}

func TestErrorTextsAreBoundedAndPlain(t *testing.T) {
	body := `{"errors":["line one\nline two ` + strings.Repeat("é", 400) + `","b","c","d","e","f"],"Message":"g"}`
	texts := errorTexts([]byte(body))
	if len(texts) != maxTexts {
		t.Fatalf("kept %d texts", len(texts))
	}
	if strings.ContainsAny(texts[0], "\n\r") || len(texts[0]) > maxTextSize+len("…") || !strings.HasSuffix(texts[0], "é…") {
		t.Errorf("kept %q", texts[0])
	}
}

func TestErrorSaysEverythingOnce(t *testing.T) {
	e := &Error{
		Kind: KindThrottled, Status: 429, Operation: "query", Entity: "Companies", Texts: []string{"a", "b"},
		RetryAfter: 61 * time.Second, Cause: context.Canceled,
	}
	want := "query Companies: throttled (HTTP 429): a; b: context canceled; goes on in 1m1s"
	if got := e.Error(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !errors.Is(fmt.Errorf("wrapped: %w", e), context.Canceled) {
		t.Error("the cause cannot be found")
	}
}

func TestKindOf(t *testing.T) {
	for want, err := range map[Kind]error{
		"":           errors.New("other"),
		KindRefused:  fmt.Errorf("wrapped: %w", &Error{Kind: KindRefused}),
		KindBadRow:   fmt.Errorf("wrapped: %w", RowError{Entity: "Companies"}),
		KindNotFound: &Error{Kind: KindNotFound, Cause: RowError{}},
	} {
		if got := KindOf(err); got != want {
			t.Errorf("KindOf(%v) = %q, want %q", err, got, want)
		}
	}
	if KindOf(nil) != "" || RetryAfterOf(nil) != 0 {
		t.Error("nil has a kind")
	}
}
