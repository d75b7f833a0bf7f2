package service

// DataDir is where the service keeps its data unless its settings say otherwise.
func DataDir() string { return stateDir }

// New is the manager of this machine.
func New() Manager { return systemd{root: "/", run: execute} }
