package receive

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// hosts are the hosts from which certificates are fetched and at which subscriptions are
// confirmed, in lower case: a name or an address, with a port or for all ports;
// *.example.com for all names below a domain.
type hosts []string

// check returns an error if no request may be sent to a message's URL.
func (h hosts) check(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return errors.New("it is empty")
	case err != nil:
		return errors.New("it is not a URL")
	case u.Scheme != "https":
		return errors.New("it is not https")
	case u.User != nil:
		return errors.New("it has user information")
	case !h.contain(strings.ToLower(u.Hostname()), u.Port()):
		return fmt.Errorf("its host %.100q is not in RECEIVE_CERT_HOSTS", u.Host)
	}
	return nil
}

func (h hosts) contain(name, port string) bool {
	if port == "" {
		port = "443"
	}
	return slices.ContainsFunc(h, func(entry string) bool {
		domain, below := strings.CutPrefix(entry, "*")
		switch {
		case below:
			_, _, withPort := strings.Cut(domain, ":")
			full := name
			if withPort {
				full += ":" + port
			}
			return strings.HasSuffix(full, domain) && len(full) > len(domain)
		case strings.Contains(name, ":"): // an IPv6 address
			return entry == "["+name+"]" || entry == "["+name+"]:"+port || entry == name
		}
		return entry == name || entry == name+":"+port
	})
}
