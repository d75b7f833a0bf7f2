//go:build !linux

package process

import "syscall"

// endsWithUs cannot tie a child's life to ours here.
func endsWithUs() *syscall.SysProcAttr { return nil }
