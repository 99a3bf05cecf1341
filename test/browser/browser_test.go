//go:build browser

// Package browser tests the operator's page in a real Chromium, and takes the README's
// pictures. Its tests have the build tag browser.
package browser

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/sirupsen/logrus/hooks/test"

	"remux-retrier/internal/admin"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/page"
)

// newContext opens a tab in the browser that all tests share.
var newContext func() (context.Context, context.CancelFunc)

func TestMain(m *testing.M) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		fmt.Fprintln(os.Stderr, "these tests need Chromium: apt-get install chromium")
		os.Exit(1)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.Flag("force-color-profile", "srgb"))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's own sandbox does not work for root
	}
	allocator, endProcess := chromedp.NewExecAllocator(context.Background(), options...)
	browser, end := chromedp.NewContext(allocator)
	newContext = func() (context.Context, context.CancelFunc) { return chromedp.NewContext(browser) }
	code := 1
	if err := chromedp.Do(browser); err != nil {
		fmt.Fprintln(os.Stderr, "Chromium does not start:", err)
	} else {
		code = m.Run()
	}
	end()
	endProcess()
	os.Exit(code)
}

// size is the size of a window.
type size struct {
	name          string
	width, height int64
	phone         bool
}

var sizes = []size{{"desktop", 1280, 800, false}, {"phone", 390, 844, true}}

// serve serves a page for the service on an address; empty: a free one.
func serve(t *testing.T, s page.Source, c clock.Clock, addr string) (url string, stop func()) {
	t.Helper()
	quiet, _ := test.NewNullLogger()
	p, err := page.New(page.Config{Source: s, Clock: c, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	server, err := admin.New(admin.Config{Addr: addr, Loops: admin.NewLoops(clock.System), Metrics: http.NotFoundHandler(), Page: p, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	running.Go(func() {
		if err := server.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	var once sync.Once
	stop = func() { once.Do(func() { cancel(); running.Wait() }) }
	t.Cleanup(stop)
	return "http://" + server.Addr(), stop
}

// tab is an open page. Errors that the page logs are collected.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string
	requests   []string
}

// open opens the operator's page in a window of this size.
func open(t *testing.T, url string, w size, scheme string) *tab {
	t.Helper()
	b := newTab(t, w, scheme, url)
	b.until(`document.getElementById('connection').textContent === 'live'`)
	return b
}

// newTab opens any page.
func newTab(t *testing.T, w size, scheme, url string) *tab {
	t.Helper()
	ctx, end := newContext()
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil { // opens the tab, which must outlive the timeout
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}
	viewport := []chromedp.EmulateViewportOption{chromedp.EmulateScale(1)}
	if w.phone {
		viewport = append(viewport, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, noNetwork := cdp.Call(ctx, t, network.Enable, network.EnableParams{})
		_, noRuntime := cdp.Call(ctx, t, runtime.Enable, cdp.Empty{})
		_, noLog := cdp.Call(ctx, t, log.Enable, cdp.Empty{})
		_, noMedia := cdp.Call(ctx, t, emulation.SetEmulatedMedia, media)
		return errors.Join(noNetwork, noRuntime, noLog, noMedia)
	}), chromedp.EmulateViewport(w.width, w.height, viewport...), chromedp.Navigate(url))
	return b
}

func (b *tab) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		b.complaints = append(b.complaints, fmt.Sprintf("console.%s", e.Type))
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		b.complaints = append(b.complaints, e.Entry.Text+" "+e.Entry.URL)
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	}
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// until waits for a condition on the page, which may be reloaded meanwhile.
func (b *tab) until(condition string) {
	b.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		met, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("Boolean("+condition+")"))
		if met && err == nil {
			return
		}
		if time.Now().After(deadline) || b.ctx.Err() != nil {
			b.t.Fatalf("%s: %v; the page says: %s", condition, err, b.text("body"))
		}
		b.do(chromedp.Sleep(50 * time.Millisecond))
	}
}

// value evaluates an expression in the page.
func value[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

func (b *tab) text(selector string) string {
	b.t.Helper()
	return value[string](b, fmt.Sprintf(`document.querySelector(%q).innerText`, selector))
}

func (b *tab) number(expression string) float64 { b.t.Helper(); return value[float64](b, expression) }

// checkPage checks that the page fits its window, has none of the faults, has logged no
// error, and has sent no request to another server.
func (b *tab) checkPage(url string) {
	b.t.Helper()
	if n := b.number(`document.documentElement.scrollWidth - document.documentElement.clientWidth`); n > 0 {
		b.t.Errorf("the page is %v px wider than its window", n)
	}
	for _, fault := range value[[]string](b, faults) {
		b.t.Error(fault)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.complaints) > 0 {
		b.t.Errorf("the browser complains: %q", b.complaints)
	}
	for _, r := range b.requests {
		if !strings.HasPrefix(r, url+"/") {
			b.t.Errorf("the page sends a request to another server: %s", r)
		}
	}
}

// picture saves the visible part of the page, or the whole page.
func (b *tab) picture(path string, whole bool) {
	b.t.Helper()
	shoot := chromedp.CaptureScreenshot()
	if whole {
		shoot = chromedp.FullScreenshot(100)
	}
	b.save(shoot, path)
}

// keep saves the whole page in PICTURES, if that is set.
func (b *tab) keep(name string) {
	b.t.Helper()
	if dir := os.Getenv("PICTURES"); dir != "" {
		b.picture(filepath.Join(dir, name+".png"), true)
	}
}

// crop saves a window of the size of an element.
func (b *tab) crop(selector, path string) {
	b.t.Helper()
	side := func(name string) int64 {
		return int64(b.number(fmt.Sprintf(`document.querySelector(%q).getBoundingClientRect().%s`, selector, name)))
	}
	b.do(chromedp.EmulateViewport(side("width"), side("height"), chromedp.EmulateScale(1)))
	b.picture(path, false)
}

func (b *tab) save(shoot chromedp.Action[[]byte], path string) {
	b.t.Helper()
	png, err := chromedp.Run(b.ctx, shoot)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
