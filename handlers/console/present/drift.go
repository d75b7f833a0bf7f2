package present

import v1 "channelsync/api/v1"

// DriftWord is what became of an edit in Channel Program.
func DriftWord(s v1.DriftState) Word {
	switch s {
	case v1.DriftOpen:
		return Word{ToneBad, "Waits for you"}
	case v1.DriftRepaired:
		return Word{ToneGood, "Repaired"}
	case v1.DriftReverted:
		return Word{ToneOff, "Undone there"}
	}
	return Word{ToneOff, string(s)}
}
