package events

import (
	"fmt"
	"strconv"
	"strings"

	v1 "channelsync/api/v1"
	js "channelsync/events/internal/jetstream"
)

func checkKind(k v1.Kind) error {
	switch k {
	case v1.KindCompany, v1.KindContract, v1.KindContact:
		return nil
	}
	return fmt.Errorf("kind %q: %w", k, js.ErrBadName)
}

func checkLane(l Lane) error {
	if l != LaneLive && l != LaneBulk && l != LaneApart {
		return fmt.Errorf("lane %q: %w", l, js.ErrBadName)
	}
	return nil
}

// scope joins "<installation>.<kind>" after checking both.
func scope(installation string, kind v1.Kind) (string, error) {
	if err := js.CheckInstallation(installation); err != nil {
		return "", err
	}
	if err := checkKind(kind); err != nil {
		return "", err
	}
	return installation + "." + string(kind), nil
}

func token(id int64) (string, error) {
	if id < 0 {
		return "", fmt.Errorf("id %d: %w", id, js.ErrBadName)
	}
	return strconv.FormatInt(id, 10), nil
}

func parseID(s string) (int64, error) {
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil || id < 0 || strconv.FormatInt(id, 10) != s {
		return 0, fmt.Errorf("id %q: %w", s, js.ErrBadName)
	}
	return id, nil
}

// roundSubject is change.<installation>.
func roundSubject(installation string) string { return "change." + installation }

// sharedSubject is that of rounds with changes of several installations.
const sharedSubject = "change.shared"

// parseRoundSubject returns the installation of a round, "" of a shared one.
func parseRoundSubject(subject string) (installation string, ok bool) {
	if subject == sharedSubject {
		return "", true
	}
	installation, ok = strings.CutPrefix(subject, "change.")
	return installation, ok && js.CheckInstallation(installation) == nil
}

// parseChangeSubject reads change.<installation>.<kind>.<id>, which stores of format 1 have
// for each change.
func parseChangeSubject(subject string) (installation string, kind v1.Kind, id int64, err error) {
	t := strings.Split(subject, ".")
	if len(t) != 4 || t[0] != "change" {
		return "", "", 0, fmt.Errorf("subject %q: %w", subject, js.ErrBadName)
	}
	if _, err = scope(t[1], v1.Kind(t[2])); err != nil {
		return "", "", 0, err
	}
	if id, err = parseID(t[3]); err != nil {
		return "", "", 0, err
	}
	return t[1], v1.Kind(t[2]), id, nil
}

// dueFilter is due.<installation>.<kind>.<lane>.*, dueSubject ends in an id.
func dueFilter(installation string, kind v1.Kind, lane Lane) (string, error) {
	s, err := scope(installation, kind)
	if err != nil {
		return "", err
	}
	if err := checkLane(lane); err != nil {
		return "", err
	}
	return "due." + s + "." + string(lane) + ".*", nil
}

func dueSubject(installation string, kind v1.Kind, lane Lane, id int64) (string, error) {
	f, err := dueFilter(installation, kind, lane)
	if err != nil {
		return "", err
	}
	t, err := token(id)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(f, "*") + t, nil
}

func parseDueSubject(subject string) (DueEntry, error) {
	t := strings.Split(subject, ".")
	if len(t) != 5 || t[0] != "due" {
		return DueEntry{}, fmt.Errorf("subject %q: %w", subject, js.ErrBadName)
	}
	if _, err := scope(t[1], v1.Kind(t[2])); err != nil {
		return DueEntry{}, err
	}
	if err := checkLane(Lane(t[3])); err != nil {
		return DueEntry{}, err
	}
	id, err := parseID(t[4])
	if err != nil {
		return DueEntry{}, err
	}
	return DueEntry{Installation: t[1], Kind: v1.Kind(t[2]), Lane: Lane(t[3]), ID: id}, nil
}

// scheduleSubject is later.<installation>.<kind>.<id>.
func scheduleSubject(installation string, kind v1.Kind, id int64) (string, error) {
	s, err := scope(installation, kind)
	if err != nil {
		return "", err
	}
	t, err := token(id)
	if err != nil {
		return "", err
	}
	return "later." + s + "." + t, nil
}
