package console

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	v1 "channelsync/api/v1"
)

// draftFor is how long a sealed draft can be used.
const draftFor = 30 * time.Minute

// errDraft says that a draft is not ours, was changed, or is too old.
var errDraft = errors.New("the form was left open for too long, or was changed on the way")

// sealer encrypts what a form carries from one step to the next, so that a secret
// that was entered is never shown again and no instance has to keep it.
type sealer struct {
	aead cipher.AEAD
	now  func() time.Time
}

func newSealer(token v1.Secret, now func() time.Time) sealer {
	block, err := aes.NewCipher(derive(token, "draft"))
	if err != nil {
		panic(err) // the key has the right length
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return sealer{aead, now}
}

type sealed struct {
	Until time.Time
	Data  json.RawMessage
}

// seal encrypts v, which must have no v1.Secret in it: those are encoded masked.
func (s sealer) seal(v any) (string, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("seal a form: %w", err)
	}
	b, err := json.Marshal(sealed{s.now().Add(draftFor), data})
	if err != nil {
		return "", fmt.Errorf("seal a form: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, b, nil)), nil
}

// open decrypts into v, or returns errDraft.
func (s sealer) open(text string, v any) error {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return errDraft
	}
	plain, err := s.aead.Open(nil, nil, b, nil)
	if err != nil {
		return errDraft
	}
	var in sealed
	if json.Unmarshal(plain, &in) != nil || s.now().After(in.Until) || json.Unmarshal(in.Data, v) != nil {
		return errDraft
	}
	return nil
}
