package app

// openFiles is how many connections are planned with: Windows bounds handles by memory
// alone, and this many are more than any listener lets in.
func openFiles() uint64 { return 1 << 16 }
