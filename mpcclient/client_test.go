package mpcclient

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestEndpointsOfTheRegions(t *testing.T) {
	for region, want := range map[string]string{
		"cn-north-1":     "https://mts.cn-north-1.myhuaweicloud.com",
		"cn-north-4":     "https://mpc.cn-north-4.myhuaweicloud.com",
		"cn-east-2":      "https://mpc.cn-east-2.myhuaweicloud.com",
		"cn-east-3":      "https://mpc.cn-east-3.myhuaweicloud.com",
		"cn-south-1":     "https://mpc.cn-south-1.myhuaweicloud.com",
		"ap-southeast-3": "https://mpc.ap-southeast-3.myhuaweicloud.com",
	} {
		if got, err := Endpoint(region); err != nil || got != want {
			t.Errorf("%s: got %q, %v", region, got, err)
		}
		_, err := Endpoint("mars-1")
		if err == nil || !strings.Contains(err.Error(), region) {
			t.Errorf("the error for an unknown region does not offer %s: %v", region, err)
		}
	}
	if got := IAMEndpoint("cn-north-4"); got != "https://iam.cn-north-4.myhuaweicloud.com" {
		t.Errorf("IAM is at %s", got)
	}
}

func TestCredentialsGoInClearTextToThisMachineOnly(t *testing.T) {
	tests := []struct {
		endpoint           string
		insecure, accepted bool
	}{
		{"https://mpc.example.com", false, true},
		{"https://mpc.example.com:8443/prefix/", false, true},
		{"http://127.0.0.1:8080", false, true},
		{"http://127.9.9.9", false, true},
		{"http://[::1]:8080", false, true},
		{"http://[::ffff:127.0.0.1]", false, true},
		{"http://LocalHost", false, true},
		{"http://mpc.example.com", false, false},
		{"http://mpc.example.com", true, true},
		{"http://localhost.example.com", false, false},
		{"http://10.0.0.1", false, false},
		{"", false, false},
		{"mpc.example.com", false, false},
		{"//mpc.example.com", false, false},
		{"https:mpc.example.com", false, false},
		{"https://", false, false},
		{"https://:443", false, false},
		{"ftp://mpc.example.com", true, false},
		{"https://user@mpc.example.com", true, false},
		{"https://mpc.example.com?a=b", true, false},
		{"https://mpc.example.com?", true, false},
		{"https://mpc.example.com#a", true, false},
		{"https://mpc.example.com/%zz", true, false},
	}
	for _, test := range tests {
		_, err := New(Config{Endpoint: test.endpoint, AllowInsecure: test.insecure, ProjectID: project, Auth: Token("t")})
		if (err == nil) != test.accepted {
			t.Errorf("%q, insecure %t: %v", test.endpoint, test.insecure, err)
		}
	}
}

func TestIncompleteConfigsAreRefused(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no project":       func(c *Config) { c.ProjectID = "" },
		"path in project":  func(c *Config) { c.ProjectID = "../x" },
		"no auth":          func(c *Config) { c.Auth = nil },
		"negative timeout": func(c *Config) { c.Timeout = -1 },
		"negative conns":   func(c *Config) { c.MaxConns = -1 },
	} {
		cfg := Config{Endpoint: "https://mpc.example.com", ProjectID: project, Auth: Token("t")}
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestDefaults(t *testing.T) {
	c := newClient(t, "https://mpc.example.com", func(cfg *Config) { cfg.Timeout = 0 })
	transport := c.conns.kept.(*http.Transport)
	if c.timeout != 10*time.Second || transport.MaxIdleConnsPerHost != 64 || transport.TLSClientConfig.MinVersion != tls.VersionTLS12 {
		t.Errorf("got %s, %d, %x", c.timeout, transport.MaxIdleConnsPerHost, transport.TLSClientConfig.MinVersion)
	}
}

func TestTLS11IsRefused(t *testing.T) {
	for version, accepted := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		api := httptest.NewUnstartedServer(answering(200, ""))
		api.TLS = &tls.Config{MinVersion: version, MaxVersion: version}
		api.Config.ErrorLog = log.New(io.Discard, "", 0)
		api.StartTLS()
		defer api.Close()
		c := newClient(t, api.URL, func(cfg *Config) {
			transport := newTransport(1)
			transport.TLSClientConfig.RootCAs = api.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
			cfg.Transport = transport
		})
		if err := c.Retry(t.Context(), "1"); (err == nil) != accepted {
			t.Errorf("TLS %x: %v", version, err)
		}
	}
}

func TestProxyThatRefusesIsNamed(t *testing.T) {
	for _, status := range []int{403, 407, 502, 299} {
		proxy := newRecorder(t, answering(status, ""))
		u, err := url.Parse(proxy.URL)
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword("user", canary)
		c := newClient(t, "https://mpc.example.com", func(cfg *Config) {
			transport := newTransport(1)
			transport.Proxy = http.ProxyURL(u)
			cfg.Transport = transport
		})
		e := failure(t, c.Retry(t.Context(), "1"), Transient)
		if text := e.Error(); !strings.Contains(text, fmt.Sprintf("the proxy answered %d", status)) || !strings.Contains(e.Advice, "check HTTPS_PROXY") {
			t.Errorf("%d: %s", status, text)
		}
		mustNotLeak(t, "the proxy's refusal", e)
		mustNotLeak(t, "its cause", e.Err)
	}
}

func TestBrokenProxySettingsDoNotShowTheirPassword(t *testing.T) {
	proxy := hideProxyURL(func(*http.Request) (*url.URL, error) { return nil, errors.New("invalid address " + canary) })
	c := newClient(t, "https://mpc.example.com", func(cfg *Config) { cfg.Transport = &http.Transport{Proxy: proxy} })
	err := c.Retry(t.Context(), "1")
	failure(t, err, Transient)
	mustNotLeak(t, "the proxy's error", err)
}
