package disk

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows"

	"channelsync/test/harness"
)

// TestWhatManyMayOpenIsRefused, and what a few may is not.
func TestWhatManyMayOpenIsRefused(t *testing.T) {
	for sddl, refused := range map[string]bool{
		"D:P(A;;FA;;;SY)(A;;FA;;;BA)":                  false,
		"D:P(A;;FA;;;SY)(A;;FR;;;BU)":                  true,  // users read
		"D:P(A;;FA;;;SY)(A;;FR;;;WD)":                  true,  // everybody reads
		"D:P(A;;FA;;;SY)(A;;FW;;;AU)":                  true,  // whoever is logged in writes
		"D:P(A;;FA;;;SY)(A;;WD;;;BU)":                  true,  // users decide who reads
		"D:P(A;;FA;;;SY)(A;;RC;;;WD)":                  false, // everybody sees who may open it
		"D:P(A;;FA;;;SY)(A;OICIIO;FA;;;WD)":            false, // everybody, in what is below only
		"D:P(A;;FA;;;SY)(D;;FA;;;WD)":                  false, // everybody is kept out
		"D:P(A;;FA;;;SY)(A;;FR;;;S-1-5-21-1-2-3-513)":  true,  // all users of a domain
		"D:P(A;;FA;;;SY)(A;;FR;;;S-1-5-21-1-2-3-1104)": false, // one of them
	} {
		sd, err := windows.SecurityDescriptorFromString(sddl)
		if err != nil {
			t.Errorf("%s: %v", sddl, err)
			continue
		}
		list, _, err := sd.DACL()
		if err != nil {
			t.Errorf("%s: %v", sddl, err)
			continue
		}
		if who := widest(list); (who != "") != refused {
			t.Errorf("%s: got %q, want it refused: %v", sddl, who, refused)
		}
	}
}

func TestNoListIsNoProtection(t *testing.T) {
	if widest(nil) == "" {
		t.Error("a file without a list is taken for a private one")
	}
}

// TestAGrantKeepsWhatWasGranted and is no reason to refuse the directory.
func TestAGrantKeepsWhatWasGranted(t *testing.T) {
	before, err := windows.SecurityDescriptorFromString("D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)")
	harness.OK(t, err)
	list, _, err := before.DACL()
	harness.OK(t, err)
	const identity = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
	account, err := windows.StringToSid(identity)
	harness.OK(t, err)
	after, err := granting(list, account)
	harness.OK(t, err)
	sd, err := windows.NewSecurityDescriptor()
	harness.OK(t, err)
	harness.OK(t, sd.SetDACL(after, true, false))
	for _, who := range []string{"(A;OICI;FA;;;SY)", "(A;OICI;FA;;;BA)", "(A;OICI;GA;;;" + identity + ")"} {
		if !strings.Contains(sd.String(), who) {
			t.Errorf("%s is not in %s", who, sd)
		}
	}
	if who := widest(after); who != "" {
		t.Errorf("refused, since %s may open it", who)
	}
	dir := filepath.Join(t.TempDir(), "data")
	harness.OK(t, MakePrivate(dir))
	if err := Grant(dir, identity); err != nil {
		t.Error(err)
	}
}

func TestTheRefusalSaysWhoAndHowToEndIt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	harness.OK(t, os.WriteFile(file, nil, 0o600))
	sd, err := windows.SecurityDescriptorFromString("D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;WD)")
	harness.OK(t, err)
	list, _, err := sd.DACL()
	if err == nil {
		err = windows.SetNamedSecurityInfo(file, windows.SE_FILE_OBJECT,
			windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, list, nil)
	}
	harness.OK(t, err)
	if err := CheckPrivateFile(file); err == nil || !strings.Contains(err.Error(), "can be opened by") ||
		!strings.Contains(err.Error(), `run icacls "`+file+`" /inheritance:r`) {
		t.Errorf("got %v", err)
	}
}
