package config

import "strings"

// AuthMode is one of the four ways to authenticate with the API.
type AuthMode string

// The modes, as shown in log lines.
const (
	TokenMode    AuthMode = "user token"
	KeyMode      AuthMode = "AK/SK"
	PasswordMode AuthMode = "IAM password"
	AgencyMode   AuthMode = "ECS agency"
)

// Auth contains the credentials of exactly one mode; the fields of the others are empty.
type Auth struct {
	Mode AuthMode

	Token Secret // TokenMode

	AccessKey, SecretKey Secret // KeyMode
	SecurityToken        Secret // KeyMode, only with temporary keys

	IAM IAM // PasswordMode
}

// IAM is the login for a user token.
type IAM struct {
	Endpoint string // base URL without a trailing slash
	Domain   string // account name
	Username string
	Password Secret
	Project  string // project name, usually the region's
}

// credentials are the variables of a mode. IAM_ENDPOINT and IAM_PROJECT do not count: they
// have defaults, so setting them does not select a mode.
type credentials struct {
	mode               AuthMode
	required, optional []string
}

var modes = []credentials{
	{TokenMode, []string{"MPC_AUTH_TOKEN"}, nil},
	{KeyMode, []string{"MPC_ACCESS_KEY", "MPC_SECRET_KEY"}, []string{"MPC_SECURITY_TOKEN"}},
	{PasswordMode, []string{"IAM_DOMAIN", "IAM_USERNAME", "IAM_PASSWORD"}, nil},
	{AgencyMode, []string{"MPC_CREDENTIALS"}, nil},
}

// auth requires exactly one complete mode. With two, a rule of precedence would decide
// which account pays.
func (p *parser) auth(region string, insecure bool) Auth {
	var a Auth
	p.secrets(&a)
	if p.isSet("MPC_CREDENTIALS") {
		p.oneOf("MPC_CREDENTIALS", "ecs-agency")
	}

	var started []credentials
	var there, missing []string
	for _, m := range modes {
		required, lacking := p.present(m.required)
		optional, _ := p.present(m.optional)
		if set := append(required, optional...); len(set) > 0 {
			started = append(started, m)
			there = append(there, set...)
			missing = append(missing, lacking...)
		}
	}
	switch {
	case len(started) == 0:
		p.checkIAM(insecure)
		p.fail("MPC_AUTH_TOKEN", "is not set, nor any other credentials: set one of %s", choices())
		return Auth{}
	case len(started) > 1:
		p.checkIAM(insecure)
		p.fail(there[0], "and others make more than one way to authenticate (set: %s): keep exactly one of %s",
			strings.Join(there, ", "), choices())
		return Auth{}
	case len(missing) > 0:
		p.fail(missing[0], "is not set: %s authentication needs %s (set: %s; missing: %s)", started[0].mode,
			strings.Join(started[0].required, ", "), strings.Join(there, ", "), strings.Join(missing, ", "))
	}
	a.Mode = started[0].mode
	if a.Mode == PasswordMode {
		a.IAM.Domain = p.text("IAM_DOMAIN")
		a.IAM.Username = p.text("IAM_USERNAME")
		a.IAM.Endpoint = p.iamEndpoint(region, insecure)
		a.IAM.Project = p.iamProject(region)
		return a
	}
	for _, name := range []string{"IAM_ENDPOINT", "IAM_PROJECT"} {
		if p.isSet(name) {
			p.warn("%s has no effect with %s authentication", name, a.Mode)
		}
	}
	return a
}

// checkIAM checks IAM's variables that are set, even if it is unclear whether they are used,
// so that their mistakes are reported at once.
func (p *parser) checkIAM(insecure bool) {
	for _, name := range []string{"IAM_DOMAIN", "IAM_USERNAME", "IAM_PROJECT"} {
		p.text(name)
	}
	if p.isSet("IAM_ENDPOINT") {
		p.baseURL("IAM_ENDPOINT", insecure)
	}
}

func (p *parser) secrets(a *Auth) {
	a.Token = p.headerSecret("MPC_AUTH_TOKEN")
	a.AccessKey = p.headerSecret("MPC_ACCESS_KEY")
	a.SecretKey = p.headerSecret("MPC_SECRET_KEY")
	a.SecurityToken = p.headerSecret("MPC_SECURITY_TOKEN")
	a.IAM.Password = p.secret("IAM_PASSWORD")
}

func (p *parser) iamProject(region string) string {
	project := p.text("IAM_PROJECT")
	if project == "" {
		project = region
	}
	if project == "" {
		p.fail("IAM_PROJECT", "is not set: it must be the project's name, or MPC_REGION must be set to use that")
	}
	return project
}

func choices() string {
	names := make([]string, len(modes))
	for i, m := range modes {
		names[i] = strings.Join(m.required, " + ")
	}
	return strings.Join(names, " | ")
}
