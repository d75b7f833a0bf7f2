package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"channelsync/test/browser/chrome"
	"channelsync/test/browser/stage"
	"channelsync/test/browser/tour"
)

// picture is one of the documentation's: a stop of the tour, and how much of it is shown.
type picture struct {
	file, stop    string
	width, height int
	dark          bool
	from          string // the selector of what is at the top; empty: the page
	open          string // the selector of what is unfolded first; empty: nothing
}

// pictures are those of the main tasks: few, since each is looked after.
var pictures = []picture{
	{file: "overview", stop: "overview", width: 1280, height: 1060},
	{file: "overview-dark", stop: "overview", width: 1280, height: 1060, dark: true},
	{file: "overview-phone", stop: "overview", width: 390, height: 844},
	{file: "install", stop: "install-check", width: 1280, height: 980},
	{file: "record", stop: "record-edited", width: 1280, height: 1000},
	{file: "reason", stop: "record-not-synced", width: 1280, height: 760, from: ".crumb + h1"},
	{file: "cost", stop: "record-contract", width: 1280, height: 720, from: "#sent", open: "#sent details"},
	{file: "leave-out", stop: "options-preview", width: 1280, height: 620},
	{file: "drift", stop: "drift-open", width: 1280, height: 520, dark: true},
	{file: "dead-letters", stop: "dead-letters", width: 1280, height: 560},
}

//go:embed still.js
var still string

// illustrate walks the tour and writes the documentation's pictures.
func illustrate(dir string, companies int) (taken int, err error) {
	browser, err := chrome.Start()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, browser.Close()) }()
	missing := map[string]bool{}
	for _, of := range pictures {
		missing[of.file] = true
	}
	err = stage.Play(func(s *stage.Stage) {
		w := tour.Start(s)
		p := browser.Page(s, chrome.Options{Base: w.AdminURL})
		tour.Walk(w, p, tour.Realistic(w, companies), func(stop string, p *chrome.Page) {
			for _, of := range pictures {
				if of.stop == stop {
					of.take(s, p, dir)
					delete(missing, of.file)
					taken++
				}
			}
		})
	})
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("the tour has no stop for %v", slices.Sorted(maps.Keys(missing)))
	}
	return taken, err
}

func (of picture) take(s *stage.Stage, p *chrome.Page, dir string) {
	p.Resize(of.width)
	p.Dark(of.dark)
	top := chrome.Eval[float64](p, fmt.Sprintf("(%s)(%q, %q)", still, of.from, of.open))
	small, err := paletted(p.Clip(top, of.width, of.height))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, of.file+".png"), small, 0o644) //nolint:gosec // pictures are for all to see
	}
	if err != nil {
		s.Fatal(err)
	}
	p.Dark(false)
	p.Resize(1440)
}

// paletted is a picture in its 256 most frequent colours, which makes it a third as large.
func paletted(full []byte) ([]byte, error) {
	from, err := png.Decode(bytes.NewReader(full))
	if err != nil {
		return nil, fmt.Errorf("read the picture: %w", err)
	}
	seen := map[color.Color]int{}
	for y := range from.Bounds().Dy() {
		for x := range from.Bounds().Dx() {
			seen[from.At(x, y)]++
		}
	}
	all := slices.SortedFunc(maps.Keys(seen), func(a, b color.Color) int {
		return cmp.Or(seen[b]-seen[a], cmp.Compare(rgb(a), rgb(b)))
	})
	palette := color.Palette(all[:min(len(all), 256)])
	to := image.NewPaletted(from.Bounds(), palette)
	draw.Draw(to, to.Bounds(), from, from.Bounds().Min, draw.Src)
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, to); err != nil {
		return nil, fmt.Errorf("write the picture: %w", err)
	}
	return out.Bytes(), nil
}

func rgb(c color.Color) uint32 {
	r, g, b, _ := c.RGBA()
	return r>>8<<16 | g>>8<<8 | b>>8
}
