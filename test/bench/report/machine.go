package report

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// Machine is what the figures were measured on. It names no host and no path.
type Machine struct {
	At     time.Time     `json:"at"`
	Cores  int           `json:"cores"`
	Kernel string        `json:"kernel"`
	Disk   string        `json:"disk"` // kind of file system that the store is on
	Go     string        `json:"go"`
	Load   string        `json:"load"` // load averages when the run began
	Short  bool          `json:"short,omitempty"`
	Took   time.Duration `json:"took"`
}

// Observe looks at the machine; dir is where the stores will be.
func Observe(dir string) Machine {
	m := Machine{At: time.Now().UTC().Truncate(time.Second), Cores: runtime.NumCPU(), Go: runtime.Version(), Disk: diskOf(dir)}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel, _, _ = strings.Cut(strings.TrimSpace(string(text)), "-")
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load = strings.Join(strings.Fields(string(text))[:3], " ")
	}
	return m
}

func (m Machine) String() string {
	form := ""
	if m.Short {
		form = " This is the short form: one round of each part, too short to compare."
	}
	return fmt.Sprintf("Measured on %s: %d cores, Linux %s, %s on a virtual disk, %s; load average %s at the start; %s in all.%s",
		m.At.Format("2006-01-02"), m.Cores, m.Kernel, m.Disk, m.Go, m.Load, m.Took.Round(time.Second), form)
}
