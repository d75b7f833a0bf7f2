package report

import (
	"fmt"
	"syscall"
)

// diskOf names the file system by its number in statfs(2).
func diskOf(dir string) string {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return "unknown"
	}
	for number, name := range map[int64]string{
		0xEF53: "ext4", 0x58465342: "xfs", 0x9123683E: "btrfs", 0x01021994: "tmpfs: flushes cost nothing", 0x794C7630: "overlay",
	} {
		if int64(fs.Type) == number {
			return name
		}
	}
	return fmt.Sprintf("file system %#x", fs.Type)
}
