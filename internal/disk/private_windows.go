package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/windows"
)

// MakePrivate makes a directory, with those above it, that the user who runs this, the
// system and administrators may open: whatever is made in it inherits that, and nothing
// of the directories above. %ProgramData% lets all users read, were it not for this.
func MakePrivate(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return fmt.Errorf("ask who runs this: %w", err)
	}
	private, err := windows.SecurityDescriptorFromString("D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;" + user.User.Sid.String() + ")")
	if err != nil {
		return fmt.Errorf("describe who may open %s: %w", dir, err)
	}
	path, err := windows.UTF16PtrFromString(dir)
	if err == nil {
		err = windows.CreateDirectory(path, &windows.SecurityAttributes{
			Length: uint32(unsafe.Sizeof(windows.SecurityAttributes{})), SecurityDescriptor: private,
		})
	}
	if info, there := os.Stat(dir); err != nil && (there != nil || !info.IsDir()) { // and nobody else made it meanwhile
		return fmt.Errorf("make directory: %w", &fs.PathError{Op: "mkdir", Path: dir, Err: err})
	}
	return nil
}

// CheckPrivate refuses a directory that many may open: files in it inherit that.
func CheckPrivate(dir string) error { return checkReach(dir, "(OI)(CI)F") }

// CheckPrivateFile refuses a file that many may open.
func CheckPrivateFile(path string) error { return checkReach(path, "F") }

// checkReach says which of the groups that many are in may open a file or directory, and
// the command that ends it.
func checkReach(path, full string) error {
	sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return fmt.Errorf("ask who may open %s: %w", path, err)
	}
	list, _, err := sd.DACL()
	if err != nil && !errors.Is(err, windows.ERROR_OBJECT_NOT_FOUND) {
		return fmt.Errorf("ask who may open %s: %w", path, err)
	}
	if who := widest(list); who != "" {
		// *S-1-5-18 is the system, *S-1-5-32-544 are administrators, in every language.
		return fmt.Errorf(`%s can be opened by %s: run icacls "%s" /inheritance:r /grant:r *S-1-5-18:%s *S-1-5-32-544:%s "%%USERNAME%%":%s`,
			path, who, path, full, full, full)
	}
	return nil
}

const (
	// reads or changes what is in a file, or who may do so
	opens = windows.FILE_READ_DATA | windows.FILE_WRITE_DATA | windows.FILE_APPEND_DATA | windows.WRITE_DAC | windows.WRITE_OWNER |
		windows.GENERIC_ALL | windows.GENERIC_READ | windows.GENERIC_WRITE
	domainUsers, domainGuests = 513, 514 // the last part of their SIDs, in every domain
)

// widest names a group of many that the list lets open the object; no list lets everybody.
func widest(list *windows.ACL) string {
	if list == nil {
		return "everybody"
	}
	for i := range uint32(list.AceCount) {
		var entry *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(list, i, &entry); err != nil {
			return "nobody can say whom"
		}
		if entry.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE || entry.Header.AceFlags&windows.INHERIT_ONLY_ACE != 0 || entry.Mask&opens == 0 {
			continue
		}
		if sid := (*windows.SID)(unsafe.Pointer(&entry.SidStart)); ofMany(sid) {
			account, domain, _, err := sid.LookupAccount("")
			if err != nil {
				return sid.String()
			}
			return filepath.Join(domain, account)
		}
	}
	return ""
}

func ofMany(sid *windows.SID) bool {
	for _, known := range []windows.WELL_KNOWN_SID_TYPE{
		windows.WinWorldSid, windows.WinAuthenticatedUserSid, windows.WinBuiltinUsersSid, windows.WinBuiltinGuestsSid,
		windows.WinAnonymousSid, windows.WinInteractiveSid, windows.WinNetworkSid,
	} {
		if sid.IsWellKnown(known) {
			return true
		}
	}
	const domain = 21 // S-1-5-21-...: of a domain or a machine
	if n := uint32(sid.SubAuthorityCount()); n > 1 && sid.SubAuthority(0) == domain {
		last := sid.SubAuthority(n - 1)
		return last == domainUsers || last == domainGuests
	}
	return false
}

// Grant lets one more account open a directory and whatever is in it. The identity is that
// of the account, as text.
func Grant(dir, identity string) error {
	account, err := windows.StringToSid(identity)
	if err != nil {
		return fmt.Errorf("read the identity %s: %w", identity, err)
	}
	sd, err := windows.GetNamedSecurityInfo(dir, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return fmt.Errorf("ask who may open %s: %w", dir, err)
	}
	list, _, err := sd.DACL()
	if err != nil {
		return fmt.Errorf("ask who may open %s: %w", dir, err)
	}
	if list, err = granting(list, account); err == nil {
		err = windows.SetNamedSecurityInfo(dir, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION, nil, nil, list, nil)
	}
	if err != nil {
		return fmt.Errorf("let %s open %s: %w", identity, dir, err)
	}
	return nil
}

// granting is a list that lets one more account open a directory and whatever is in it.
func granting(list *windows.ACL, account *windows.SID) (*windows.ACL, error) {
	return windows.ACLFromEntries([]windows.EXPLICIT_ACCESS{{
		AccessPermissions: windows.GENERIC_ALL, AccessMode: windows.GRANT_ACCESS, Inheritance: windows.SUB_CONTAINERS_AND_OBJECTS_INHERIT,
		Trustee: windows.TRUSTEE{TrusteeForm: windows.TRUSTEE_IS_SID, TrusteeValue: windows.TrusteeValueFromSID(account)},
	}}, list)
}
