package admin

// Check is a condition that must hold for the instance to work.
type Check struct {
	Name string
	// Func returns at once, from known state: a probe must not wait for the network. The
	// detail says what to do if the check fails, and contains no secret.
	Func func() (ok bool, detail string)
}

// readiness is the body of /readyz.
type readiness struct {
	Ready    bool          `json:"ready"`
	Instance string        `json:"instance"`
	Checks   []checkResult `json:"checks"`
	Notes    []string      `json:"notes"`
}

type checkResult struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

func (s *Server) readiness() readiness {
	r := readiness{Ready: true, Instance: s.config.Instance, Checks: []checkResult{}, Notes: []string{}}
	for _, check := range s.config.Checks {
		ok, detail := check.Func()
		r.Ready = r.Ready && ok
		r.Checks = append(r.Checks, checkResult{check.Name, ok, detail})
	}
	if s.config.Notes != nil {
		r.Notes = append(r.Notes, s.config.Notes()...)
	}
	return r
}
