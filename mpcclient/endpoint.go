package mpcclient

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// The regions with MPC, from the vendor's list of endpoints. In cn-north-1 it still has its
// former name.
var endpoints = map[string]string{
	"cn-north-1":     "https://mts.cn-north-1.myhuaweicloud.com",
	"cn-north-4":     "https://mpc.cn-north-4.myhuaweicloud.com",
	"cn-east-2":      "https://mpc.cn-east-2.myhuaweicloud.com",
	"cn-east-3":      "https://mpc.cn-east-3.myhuaweicloud.com",
	"cn-south-1":     "https://mpc.cn-south-1.myhuaweicloud.com",
	"ap-southeast-3": "https://mpc.ap-southeast-3.myhuaweicloud.com",
}

// Endpoint returns the base URL of MPC in a region such as "cn-north-4".
func Endpoint(region string) (string, error) {
	if endpoint, ok := endpoints[region]; ok {
		return endpoint, nil
	}
	return "", fmt.Errorf("no MPC endpoint is known for region %q: use one of cn-north-1, cn-north-4, cn-east-2, "+
		"cn-east-3, cn-south-1, ap-southeast-3, or the endpoint itself", region)
}

// IAMEndpoint returns the base URL of IAM in a region.
func IAMEndpoint(region string) string { return "https://iam." + region + ".myhuaweicloud.com" }

// parseEndpoint accepts an absolute http(s) URL with an optional path prefix. Over http
// credentials are sent in clear text, so it is accepted only for this machine unless the
// caller allows it.
func parseEndpoint(raw string, allowInsecure bool) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		// url.Error quotes its input, which may contain a password.
		return nil, errors.New("is not a URL: expected something like https://host")
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
		return nil, errors.New("must be an absolute URL: https://host, with an optional path")
	case u.User != nil:
		return nil, errors.New("must not hold a user or password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("must not hold a query or fragment")
	case u.Scheme == "http" && !allowInsecure && !isLoopback(u.Hostname()):
		return nil, fmt.Errorf("is plain http to %s, which would send credentials in clear text: use https", u.Hostname())
	}
	return u, nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
