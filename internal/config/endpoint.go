package config

import (
	"net/netip"
	"net/url"
	"strings"

	"remux-retrier/mpcclient"
)

// mpcEndpoint is MPC_ENDPOINT, or the endpoint of MPC_REGION.
func (p *parser) mpcEndpoint(region string, insecure bool) string {
	const name = "MPC_ENDPOINT"
	if p.isSet(name) {
		return p.baseURL(name, insecure)
	}
	if region == "" {
		// A rejected region has its own message already.
		if !p.isSet("MPC_REGION") {
			p.fail("MPC_REGION", "is not set, nor is %s: set one of them", name)
		}
		return ""
	}
	endpoint, err := mpcclient.Endpoint(region)
	if err != nil {
		p.fail("MPC_REGION", "gives no endpoint (%v): correct it, or set MPC_ENDPOINT", err)
	}
	return endpoint
}

// iamEndpoint is IAM_ENDPOINT, or the endpoint of MPC_REGION.
func (p *parser) iamEndpoint(region string, insecure bool) string {
	const name = "IAM_ENDPOINT"
	switch {
	case p.isSet(name):
		return p.baseURL(name, insecure)
	case region != "":
		return mpcclient.IAMEndpoint(region)
	case !p.isSet("MPC_REGION"):
		p.fail(name, "is not set: it must be IAM's base URL, or MPC_REGION must be set to use that region's")
	}
	return ""
}

// baseURL accepts https, and http only for loopback addresses or if the user allows it.
func (p *parser) baseURL(name string, insecure bool) string {
	const expected = "a base URL such as https://mpc.cn-north-4.myhuaweicloud.com, without user name or password, query and fragment"
	value := p.value(name)
	if p.refusePrivate(name, value, expected) {
		return ""
	}
	u, err := url.Parse(value)
	if err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http") ||
		(u.Port() != "" && !validPort(u.Port(), 1)) {
		p.refuse(name, value, expected)
		return ""
	}
	if u.Scheme == "http" && !insecure && !loopback(u.Hostname()) {
		p.fail(name, "is %s: plain http would send credentials unencrypted; use https, or set MPC_ALLOW_INSECURE=true if that is acceptable", quoted(value))
		return ""
	}
	return strings.TrimRight(value, "/")
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}
