//go:build !linux && !darwin && !windows

package service

import (
	"context"
	"errors"
)

// DataDir is where the service keeps its data unless its settings say otherwise.
func DataDir() string { return stateDir }

// New is a manager that says that there is none.
func New() Manager { return none{} }

type none struct{}

var errNone = errors.New("no supported service manager was found: have the one of this machine run channelsync serve")

func (none) Install(context.Context, Definition) error { return errNone }
func (none) Start(context.Context) error               { return errNone }
func (none) Stop(context.Context) error                { return errNone }
func (none) Remove(context.Context) error              { return errNone }
