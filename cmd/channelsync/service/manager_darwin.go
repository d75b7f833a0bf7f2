package service

import "os"

// DataDir is where the service keeps its data unless its settings say otherwise.
func DataDir() string { return "/Library/Application Support/" + Name }

// New is the manager of this machine. The service runs as whoever called sudo.
func New() Manager { return launchd{root: "/", user: os.Getenv("SUDO_USER"), run: execute} }
