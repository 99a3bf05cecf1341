package config

import (
	"strings"
	"testing"
)

// only returns changes to the minimal configuration: these credentials instead of its own.
func only(credentials ...string) []string {
	return append([]string{"MPC_AUTH_TOKEN", ""}, credentials...)
}

func TestExactlyOneCompleteAuthMode(t *testing.T) {
	for _, c := range []struct {
		name, variable string // variable: which one the problem is about
		set            []string
		says           []string
	}{
		{"none", "MPC_AUTH_TOKEN", nil, []string{
			"is not set, nor any other credentials", "MPC_AUTH_TOKEN | MPC_ACCESS_KEY + MPC_SECRET_KEY | IAM_DOMAIN + IAM_USERNAME + IAM_PASSWORD | MPC_CREDENTIALS"}},
		{"half a key", "MPC_SECRET_KEY", []string{"MPC_ACCESS_KEY", "ak"}, []string{"set: MPC_ACCESS_KEY; missing: MPC_SECRET_KEY"}},
		{"security token alone", "MPC_ACCESS_KEY", []string{"MPC_SECURITY_TOKEN", "st"}, []string{
			"set: MPC_SECURITY_TOKEN; missing: MPC_ACCESS_KEY, MPC_SECRET_KEY"}},
		{"password alone", "IAM_DOMAIN", []string{"IAM_PASSWORD", "pw"}, []string{
			"set: IAM_PASSWORD; missing: IAM_DOMAIN, IAM_USERNAME"}},
		{"two complete", "MPC_AUTH_TOKEN", []string{"MPC_AUTH_TOKEN", "t", "MPC_ACCESS_KEY", "ak", "MPC_SECRET_KEY", "sk"}, []string{
			"more than one way to authenticate", "set: MPC_AUTH_TOKEN, MPC_ACCESS_KEY, MPC_SECRET_KEY"}},
		{"one and a half", "MPC_AUTH_TOKEN", []string{"MPC_AUTH_TOKEN", "t", "IAM_USERNAME", "u"}, []string{
			"more than one way to authenticate", "set: MPC_AUTH_TOKEN, IAM_USERNAME"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			problem := refused(t, c.variable, only(c.set...)...)
			for _, says := range c.says {
				if !strings.Contains(problem, says) {
					t.Errorf("%q does not say %q", problem, says)
				}
			}
			if strings.Contains(problem, "\n") {
				t.Errorf("more than one line for one mistake: %q", problem)
			}
		})
	}
}

func TestKeyMode(t *testing.T) {
	a := load(t, only("MPC_ACCESS_KEY", "ak", "MPC_SECRET_KEY", "sk")...).MPC.Auth
	if a.Mode != KeyMode || a.AccessKey.Reveal() != "ak" || a.SecretKey.Reveal() != "sk" || a.SecurityToken.Reveal() != "" {
		t.Errorf("%+v", a)
	}
	a = load(t, only("MPC_ACCESS_KEY", "ak", "MPC_SECRET_KEY", "sk", "MPC_SECURITY_TOKEN", "st")...).MPC.Auth
	if a.SecurityToken.Reveal() != "st" {
		t.Errorf("the temporary key's token was lost: %+v", a)
	}
}

func TestAgencyMode(t *testing.T) {
	if a := load(t, only("MPC_CREDENTIALS", "ecs-agency")...).MPC.Auth; a.Mode != AgencyMode {
		t.Errorf("%+v", a)
	}
	if problem := refused(t, "MPC_CREDENTIALS", only("MPC_CREDENTIALS", "agency")...); !strings.Contains(problem, "ecs-agency") {
		t.Error(problem)
	}
	problem := refused(t, "MPC_ACCESS_KEY", only("MPC_CREDENTIALS", "ecs-agency", "MPC_ACCESS_KEY", "ak", "MPC_SECRET_KEY", "sk")...)
	if !strings.Contains(problem, "more than one way to authenticate") {
		t.Error(problem)
	}
}

func TestPasswordModeTakesDefaultsFromTheRegion(t *testing.T) {
	credentials := only("IAM_DOMAIN", "account", "IAM_USERNAME", "retrier", "IAM_PASSWORD", "pw")
	a := load(t, credentials...).MPC.Auth
	want := IAM{Endpoint: "https://iam.cn-north-4.myhuaweicloud.com", Domain: "account", Username: "retrier",
		Password: a.IAM.Password, Project: "cn-north-4"}
	if a.Mode != PasswordMode || a.IAM != want || a.IAM.Password.Reveal() != "pw" {
		t.Errorf("%+v", a)
	}
	a = load(t, append(credentials, "IAM_ENDPOINT", "https://iam.example.com", "IAM_PROJECT", "cn-north-4_sub")...).MPC.Auth
	if a.IAM.Endpoint != "https://iam.example.com" || a.IAM.Project != "cn-north-4_sub" {
		t.Errorf("%+v", a.IAM)
	}
}

func TestPasswordModeWithoutRegionNamesWhatIsMissing(t *testing.T) {
	environment(t, with(only("IAM_DOMAIN", "account", "IAM_USERNAME", "retrier", "IAM_PASSWORD", "pw",
		"MPC_REGION", "", "MPC_ENDPOINT", "https://mpc.example.com")...))
	_, err := Load()
	if err == nil || !strings.Contains(err.Error(), "IAM_ENDPOINT is not set") || !strings.Contains(err.Error(), "IAM_PROJECT is not set") {
		t.Error(err)
	}
}

func TestIAMEndpointIsHeldToHTTPSToo(t *testing.T) {
	problem := refused(t, "IAM_ENDPOINT", only("IAM_DOMAIN", "account", "IAM_USERNAME", "retrier", "IAM_PASSWORD", "pw",
		"IAM_ENDPOINT", "http://iam.example.com")...)
	if !strings.Contains(problem, "MPC_ALLOW_INSECURE=true") {
		t.Error(problem)
	}
}

func TestIAMsMistakesAreReportedWithThoseAboutTheMode(t *testing.T) {
	for _, credentials := range [][]string{nil, {"MPC_AUTH_TOKEN", "t", "IAM_USERNAME", "u"}} {
		environment(t, with(only(append(credentials, "IAM_ENDPOINT", "iam.example.com", "IAM_PROJECT", "a\x01")...)...))
		_, err := Load()
		if err == nil || !strings.Contains(err.Error(), "IAM_ENDPOINT is ") || !strings.Contains(err.Error(), "IAM_PROJECT is ") ||
			!strings.Contains(err.Error(), "MPC_AUTH_TOKEN ") {
			t.Error(err)
		}
	}
}

func TestIAMSettingsWithoutPasswordModeAreAWarning(t *testing.T) {
	c := load(t, "IAM_PROJECT", "cn-north-4")
	if len(c.Warnings) != 1 || c.Warnings[0] != "IAM_PROJECT has no effect with user token authentication" {
		t.Errorf("%q", c.Warnings)
	}
}

func TestOnlySecretsHaveAFileVariant(t *testing.T) {
	environment(t, with(only("IAM_DOMAIN", "account", "IAM_USERNAME_FILE", file(t, "retrier"), "IAM_PASSWORD", "pw")...))
	c, err := Load()
	if err == nil || !strings.Contains(err.Error(), "missing: IAM_USERNAME") {
		t.Errorf("an unread file counts as a user name: %v", err)
	}
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "IAM_USERNAME_FILE is not a variable of this service") {
		t.Errorf("%q", c.Warnings)
	}
}
