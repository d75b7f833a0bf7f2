package callback

import (
	"encoding/base64"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/sim/autotask/callout"
)

// The vectors of the webhook reference, section 3: raw bytes, backslashes literal.
const (
	vectorSecret = v1.Secret("enkmoj676nwh8")
	vectorPlain  = `{"Action":"Update","Guid":"a1da62a4-2c49-40a8-8183-69994ce5b3eb","EntityType":"Account","Id":1301,` +
		`"Fields":{"CompanyName":"Acme Ltd"},"EventTime":"2025-09-15T14:57:50Z","SequenceNumber":32,"PersonId":29682945}`
	vectorEscaped = `{"Action":"Update","Guid":"a1da62a4-2c49-40a8-8183-69994ce5b3eb","EntityType":"Account","Id":1301,` +
		`"Fields":{"CompanyName":"Caf\u00E9 \u0026 Fils \u002B Co \u0027X\u0027"},` +
		`"EventTime":"2025-09-15T14:57:50Z","SequenceNumber":33,"PersonId":29682945}`
	vectorPlainSignature      = "sha1=cwGUUthIoAgGAkxibQF/9W0Bs4I="
	vectorEscapedSignature    = "sha1=l4m2NQqXbmVJfZf26oqQ+MtxX3c="
	vectorReserialisedInstead = "sha1=uSXheGXR0lZ672XqHQA6B0YWlww="
)

func TestSignatureVectors(t *testing.T) {
	for _, v := range []struct {
		body, signature string
		bytes           int
	}{{vectorPlain, vectorPlainSignature, 209}, {vectorEscaped, vectorEscapedSignature, 246}} {
		if len(v.body) != v.bytes {
			t.Fatalf("vector has %d bytes, the reference says %d", len(v.body), v.bytes)
		}
		if !VerifySignature(v.signature, []byte(v.body), vectorSecret) {
			t.Errorf("%s is not the signature of %s", v.signature, v.body)
		}
	}
	if VerifySignature(vectorReserialisedInstead, []byte(vectorEscaped), vectorSecret) {
		t.Error("the signature of the re-serialised body was accepted for the raw one")
	}
}

func TestVerifySignatureAmongSecrets(t *testing.T) {
	body := []byte(vectorPlain)
	for name, tc := range map[string]struct {
		header  string
		body    []byte
		secrets []v1.Secret
		want    bool
	}{
		"second of two while rotating": {vectorPlainSignature, body, []v1.Secret{"other", vectorSecret}, true},
		"two equal ones":               {vectorPlainSignature, body, []v1.Secret{vectorSecret, vectorSecret}, true},
		"scheme in another case":       {"SHA1=" + vectorPlainSignature[5:], body, []v1.Secret{vectorSecret}, true},
		"spaces around":                {" " + vectorPlainSignature + " ", body, []v1.Secret{vectorSecret}, true},
		"no secrets":                   {vectorPlainSignature, body, nil, false},
		"another body":                 {vectorPlainSignature, append(body, ' '), []v1.Secret{vectorSecret}, false},
		"an empty secret never signs":  {callout.Sign("", body), body, []v1.Secret{""}, false},
		"no header":                    {"", body, []v1.Secret{vectorSecret}, false},
		"another scheme":               {"sha256=" + vectorPlainSignature[5:], body, []v1.Secret{vectorSecret}, false},
		"no scheme":                    {vectorPlainSignature[5:], body, []v1.Secret{vectorSecret}, false},
		"without padding":              {vectorPlainSignature[:32], body, []v1.Secret{vectorSecret}, false},
		"one bit of the tail changed":  {"sha1=cwGUUthIoAgGAkxibQF/9W0Bs4J=", body, []v1.Secret{vectorSecret}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := VerifySignature(tc.header, tc.body, tc.secrets...); got != tc.want {
				t.Errorf("VerifySignature = %v", got)
			}
		})
	}
}

func FuzzSignatureHeader(f *testing.F) {
	for _, seed := range []string{vectorPlainSignature, "", "sha1=", "sha1=====", "sha256=abc", "sha1=\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		mac, ok := ParseSignature(header)
		if ok != (len(mac) == 20) {
			t.Fatalf("ParseSignature(%q) = %d bytes, %v", header, len(mac), ok)
		}
		verified := VerifySignature(header, []byte(vectorPlain), vectorSecret)
		if verified && base64.StdEncoding.EncodeToString(mac) != vectorPlainSignature[5:] {
			t.Fatalf("accepted %q", header)
		}
	})
}

func BenchmarkVerifySignature(b *testing.B) {
	body := []byte(vectorPlain)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if !VerifySignature(vectorPlainSignature, body, "the other secret", vectorSecret) {
			b.Fatal("not verified")
		}
	}
}
