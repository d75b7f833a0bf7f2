package console

import (
	"encoding/base64"
	"encoding/json"
	"time"

	"channelsync/handlers/console/present"
)

const (
	flashCookie = "channelsync_flash"
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
	setCookie(v.w, v.r, flashCookie, base64.RawURLEncoding.EncodeToString(b), time.Minute)
}

// takeFlash reads the flash and removes it. What is in it is shown as text only,
// so it matters little that it is not signed.
func (v *visit) takeFlash() *flash {
	cookie, err := v.r.Cookie(cookieName(v.r, flashCookie))
	if err != nil {
		return nil
	}
	setCookie(v.w, v.r, flashCookie, "", 0)
	b, err := base64.RawURLEncoding.DecodeString(cookie.Value)
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
