package console

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"channelsync/handlers/console/present"
	"channelsync/handlers/console/session"
)

const (
	flashCookie = "flash"
	maxFlash    = 600 // characters of each text: a cookie is small
)

// flash is what became of a write, said once on the page that follows it.
type flash struct {
	Problem bool   `json:"p,omitempty"`
	Text    string `json:"t"`
	Hint    string `json:"h,omitempty"`
}

func (v *visit) setFlash(f flash) {
	f.Text, f.Hint = present.Cut(f.Text, maxFlash), present.Cut(f.Hint, maxFlash)
	b, err := json.Marshal(f)
	if err != nil {
		return // strings always can be
	}
	v.cookies.Set(v.w, v.r, http.Cookie{Name: flashCookie, Value: base64.RawURLEncoding.EncodeToString(b), MaxAge: session.MaxAge(time.Minute)})
}

// takeFlash reads the flash and removes it. What is in it is shown as text only,
// so it matters little that it is not signed.
func (v *visit) takeFlash() *flash {
	value := v.cookies.Get(v.r, flashCookie)
	if value == "" {
		return nil
	}
	v.cookies.Set(v.w, v.r, http.Cookie{Name: flashCookie})
	b, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		return nil
	}
	var f flash
	if json.Unmarshal(b, &f) != nil || f.Text == "" {
		return nil
	}
	f.Text, f.Hint = present.Cut(f.Text, maxFlash), present.Cut(f.Hint, maxFlash)
	return &f
}
