package console

import (
	"fmt"
	"html/template"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/present"
)

// funcs are what the templates can call.
func (c *Console) funcs() template.FuncMap {
	return template.FuncMap{
		"asset":          c.assets.path,
		"ago":            func(t any) template.HTML { return present.TimeTag(t, c.now()) },
		"now":            func() int64 { return c.now().UnixMilli() },
		"build":          func() string { return c.build },
		"clock":          present.ClockTag,
		"num":            present.Num,
		"count":          present.Count,
		"secs":           present.Secs,
		"millis":         func(ms int64) string { return present.Secs(float64(ms) / 1000) },
		"percent":        present.Percent,
		"phrase":         present.Phrase,
		"add":            func(a, b int) int { return a + b },
		"state":          present.StateWord,
		"outcome":        present.OutcomeWord,
		"trigger":        present.TriggerWord,
		"reason":         present.ReasonWord,
		"sync":           present.SyncWords,
		"syncs":          func() []v1.Sync { return v1.Syncs },
		"fieldWord":      present.FieldWord,
		"entity":         present.EntityWord,
		"kind":           present.KindWord,
		"headline":       func(in *v1.Installation) present.Headline { return present.HeadlineOf(in, c.now()) },
		"partsFreshness": func(p *v1.PartsFreshness) string { return present.Sentence(present.Capital(p.Sentence(c.now()))) },
		"dict":           dict,
		"fieldID":        present.FieldID,
		"fieldName":      present.FieldName,
		"checkName":      present.CheckName,
		"jobName":        present.JobName,
		"jobWord":        present.JobWord,
		"inScope": func(in v1.Installation) (n int) {
			for _, s := range in.Syncs {
				n += s.Counts.InScope
			}
			return n
		},
		"syncCards": func(in v1.Installation) []present.SyncCard { return present.SyncCards(&in) },
		"pretty":    present.Pretty,
		"timeZones": v1.TimeZones, "overallCostChoices": overallCostChoices, "contractStatusChoices": contractStatusChoices,
		"checkTone": present.CheckTone, "checkMeans": present.CheckMeans, "checkDetail": present.CheckDetail, "capital": present.Capital,
		"errorAt":      errorAt,
		"noWords":      func() map[string]string { return nil },
		"exports":      exportsOf,
		"drift":        present.DriftWord,
		"cause":        present.CauseWord,
		"all":          func(v v1.Version) []present.Field { return present.SentFields(v.Projection, nil, nil) },
		"deref":        func(s *string) string { return *s },
		"emailChoices": emailChoices, "outOfScopeChoices": outOfScopeChoices, "driftChoices": driftChoices,
	}
}

// errorAt is what is wrong with a field of a form; empty when nothing is.
func errorAt(p *v1.Problem, field string) string {
	if p == nil {
		return ""
	}
	for _, e := range p.Errors {
		if present.FieldID(e.Pointer) == field {
			return present.Sentence(present.Capital(e.Detail))
		}
	}
	return ""
}

// dict makes a map of its arguments, for a template that needs several.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict: got %d arguments, want pairs", len(pairs))
	}
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: got %T as a key, want a string", pairs[i])
		}
		m[key] = pairs[i+1]
	}
	return m, nil
}
