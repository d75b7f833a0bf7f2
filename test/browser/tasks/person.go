package main

import (
	"time"
	"unicode/utf8"

	"channelsync/test/browser/chrome"
)

// The figures of the keystroke-level model (Card, Moran and Newell 1983), in seconds.
const (
	keying   = 0.28 // a key, of somebody who types as most people do
	pointing = 1.1  // the mouse to a target
	button   = 0.2  // pressed and let go
	homing   = 0.4  // a hand from the mouse to the keys, or back
	thinking = 1.35 // what to do next
)

// person works at the console and counts what it takes.
type person struct {
	page    *chrome.Page
	clicks  int
	keys    int
	loads   int
	fields  int
	answers int           // how often an answer was read
	waited  time.Duration // for the machine
}

func (h *person) wait(do func()) {
	began := time.Now()
	do()
	h.waited += time.Since(began)
}

// follow and press click what leads to another page.
func (h *person) follow(link string) {
	h.clicks, h.loads = h.clicks+1, h.loads+1
	h.wait(func() { h.page.Follow(link) })
}

func (h *person) press(name string) {
	h.clicks, h.loads = h.clicks+1, h.loads+1
	h.wait(func() { h.page.Press(name) })
}

// click clicks what stays on the page.
func (h *person) click(name string) {
	h.clicks++
	h.wait(func() { h.page.Click(name) })
}

// enter clicks into a field and types.
func (h *person) enter(field, text string) {
	h.clicks, h.fields, h.keys = h.clicks+1, h.fields+1, h.keys+utf8.RuneCountInString(text)
	h.page.Fill(field, text)
}

// read waits for an answer, which may take the machine a while.
func (h *person) read(texts ...string) {
	h.answers++
	h.wait(func() { h.page.See(texts...) })
}

// seconds are those of somebody who knows the way and makes no mistake, without the machine's.
func (h *person) seconds() float64 {
	return float64(h.clicks)*(thinking+pointing+button) + float64(h.fields)*2*homing + float64(h.keys)*keying + float64(h.answers)*thinking
}
