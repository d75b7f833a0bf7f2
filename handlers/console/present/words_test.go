package present

import (
	"testing"

	v1 "channelsync/api/v1"
)

func TestEveryReasonHasAWord(t *testing.T) {
	for _, code := range v1.Reasons() {
		if ReasonWord(code) == code {
			t.Errorf("%s is shown as its code", code)
		}
	}
}
