package page

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// instancesMaxAge is how long the group's answer, or the error, is cached. instancesTimeout
// bounds a query.
const (
	instancesMaxAge  = 10 * time.Second
	instancesTimeout = 2 * time.Second
)

// Instances is the document of /api/instances: the members of the consumer group.
type Instances struct {
	Instances []Instance `json:"instances"`
}

// Instance is a member of the group. Here: it has this instance's name.
type Instance struct {
	Instance   string `json:"instance"`
	Partitions []int  `json:"partitions"`
	Here       bool   `json:"here"`
}

// instances caches the group's last answer.
type instances struct {
	mu         sync.Mutex
	freshUntil time.Time
	body       []byte
	err        error
}

// listInstances answers with the group's members. The answer is cached for a while.
func (p *Page) listInstances(w http.ResponseWriter, r *http.Request) {
	i := &p.instances
	i.mu.Lock()
	defer i.mu.Unlock()
	if now := time.Now(); now.After(i.freshUntil) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), instancesTimeout)
		defer cancel()
		all, err := p.cfg.Source.Instances(ctx)
		if all == nil {
			all = []Instance{}
		}
		if i.err = err; err == nil {
			i.body, i.err = marshal(Instances{all})
		}
		i.freshUntil = time.Now().Add(instancesMaxAge)
	}
	if i.err != nil {
		refuse(w, http.StatusServiceUnavailable, "the group cannot be asked for its members: "+i.err.Error())
		return
	}
	write(w, http.StatusOK, append(i.body[:len(i.body):len(i.body)], '\n'))
}
