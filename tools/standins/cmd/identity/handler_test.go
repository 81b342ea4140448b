package main

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
	"gopkg.in/yaml.v3"
)

const (
	rendered = `
issuer: "https://mcd.devailab.work/dex"
storage: {type: "kubernetes", config: {inCluster: true}}
web: {http: "0.0.0.0:5556", headers: {X-Frame-Options: "DENY"}}
telemetry: {http: "0.0.0.0:5558"}
expiry: {idTokens: "10m", authRequests: "30m"}
staticClients:
- {id: "mcd", name: "mcd.devailab.work", secretEnv: "CLIENT_SECRET", redirectURIs: ["https://mcd.devailab.work/oauth2/callback"]}
- {id: "mcd.ops", name: "ops.devailab.work", secretEnv: "CLIENT_SECRET_OPS", redirectURIs: ["https://ops.devailab.work/oauth2/callback"]}
`
	callback = "https://mcd.devailab.work/oauth2/callback"
	secret   = "s3cret+/&% "
	verifier = "a-verifier-of-at-least-43-characters-0123456789"
)

// visit is a browser and an OAuth2-Proxy: it follows no redirect, and talks to an address that is not the issuer's.
type visit struct {
	*testing.T
	server *httptest.Server
}

func start(t *testing.T) visit {
	t.Helper()
	var settings config
	if err := yaml.Unmarshal([]byte(rendered), &settings); err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{"mcd": secret, "mcd.ops": "other"}
	users := []user{
		{"1", "ann@devailab.work", true, "Ann", "ann", []string{"a", "b"}},
		{"2", "bob@devailab.work", false, "Bob", "bob", nil},
	}
	web, err := handler(settings, secrets, users)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(web)
	t.Cleanup(server.Close)
	return visit{t, server}
}

func (v visit) do(request *http.Request) (*http.Response, string) {
	v.Helper()
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		v.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		v.Fatal(err)
	}
	return response, string(body)
}

func (v visit) get(path string) (*http.Response, string) {
	v.Helper()
	request, err := http.NewRequest(http.MethodGet, v.server.URL+path, nil)
	if err != nil {
		v.Fatal(err)
	}
	return v.do(request)
}

// changed returns values with some replaced; an empty one is left out.
func changed(values, changes map[string]string) url.Values {
	all := url.Values{}
	for _, from := range []map[string]string{values, changes} {
		for key, value := range from {
			if all.Set(key, value); value == "" {
				all.Del(key)
			}
		}
	}
	return all
}

// authorize asks as OAuth2-Proxy does, but for some changes.
func (v visit) authorize(changes map[string]string) (*http.Response, string) {
	v.Helper()
	query := changed(map[string]string{
		"client_id": "mcd", "redirect_uri": callback, "response_type": "code", "state": "st:/x",
		"scope": "openid email profile groups", "nonce": "n-1", "approval_prompt": "auto",
		"code_challenge": oidc.NewSHACodeChallenge(verifier), "code_challenge_method": "S256",
	}, changes)
	return v.get("/dex/auth?" + query.Encode())
}

// code signs somebody in and returns the code that their browser carries to the callback.
func (v visit) code(name string, changes map[string]string) string {
	v.Helper()
	response, body := v.authorize(changes)
	login := response.Header.Get("Location")
	if response.StatusCode != http.StatusFound || !strings.HasPrefix(login, "/dex/auth/login?id=") {
		v.Fatalf("got %d to %q: %s", response.StatusCode, login, body)
	}
	if _, body := v.get(login); !strings.Contains(body, "stand-in for Dex") || !strings.Contains(body, "user="+name) {
		v.Fatalf("the page says %q", body)
	}
	response, body = v.get(login + "&user=" + name)
	target, err := response.Location()
	if err != nil || !strings.HasPrefix(target.String(), callback+"?") || target.Query().Get("state") != "st:/x" {
		v.Fatalf("got %d to %v: %s", response.StatusCode, target, body)
	}
	if response, _ := v.get(login + "&user=" + name); response.StatusCode != http.StatusBadRequest {
		v.Errorf("one sign-in worked twice: %d", response.StatusCode)
	}
	return target.Query().Get("code")
}

// redeem asks for tokens with the secret in a header, but for some changes.
func (v visit) redeem(code string, changes map[string]string) (*http.Response, string) {
	v.Helper()
	values := changed(map[string]string{
		"grant_type": "authorization_code", "code": code, "redirect_uri": callback, "code_verifier": verifier,
		"basic_id": "mcd", "basic_secret": secret,
	}, changes)
	id, password := values.Get("basic_id"), values.Get("basic_secret")
	values.Del("basic_id")
	values.Del("basic_secret")
	request, err := http.NewRequest(http.MethodPost, v.server.URL+"/dex/token", strings.NewReader(values.Encode()))
	if err != nil {
		v.Fatal(err)
	}
	request.Host = "dex.mcd.svc.cluster.local:5556"
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if id != "" {
		request.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(password))
	}
	return v.do(request)
}

// claims verifies the id token in an answer with the keys that are served, and returns what it says.
func (v visit) claims(answer string) map[string]any {
	v.Helper()
	var tokens struct {
		IDToken string `json:"id_token"`
	}
	if err := json.Unmarshal([]byte(answer), &tokens); err != nil || tokens.IDToken == "" {
		v.Fatalf("no id token in %s", answer)
	}
	_, served := v.get("/dex/keys")
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(served), &keys); err != nil || len(keys.Keys) != 1 || !keys.Keys[0].IsPublic() {
		v.Fatalf("the keys are %s", served)
	}
	signed, err := jose.ParseSigned(tokens.IDToken, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		v.Fatal(err)
	}
	text, err := signed.Verify(keys)
	if err != nil {
		v.Fatal(err)
	}
	claims := map[string]any{}
	if err := json.Unmarshal(text, &claims); err != nil {
		v.Fatal(err)
	}
	return claims
}

func TestTheIDTokenSaysWhatDexWouldSay(t *testing.T) {
	v := start(t)
	response, answer := v.redeem(v.code("ann", nil), nil)
	if response.StatusCode != http.StatusOK {
		t.Fatalf("got %d: %s", response.StatusCode, answer)
	}
	claims := v.claims(answer)
	want := map[string]any{
		"iss": "https://mcd.devailab.work/dex", "sub": "1", "aud": []any{"mcd"}, "nonce": "n-1",
		"email": "ann@devailab.work", "email_verified": true, "name": "Ann", "preferred_username": "ann",
		"groups": []any{"a", "b"},
	}
	for claim, value := range want {
		if !reflect.DeepEqual(claims[claim], value) {
			t.Errorf("%s is %v, not %v", claim, claims[claim], value)
		}
	}
	left := time.Until(time.Unix(int64(claims["exp"].(float64)), 0))
	if left < 9*time.Minute || left > 10*time.Minute {
		t.Errorf("the id token lasts %v", left)
	}
}

func TestAnUnverifiedAddressIsSaidToBeUnverified(t *testing.T) {
	v := start(t)
	_, answer := v.redeem(v.code("bob", nil), nil)
	claims := v.claims(answer)
	if verified, said := claims["email_verified"]; !said || verified != false {
		t.Errorf("the claims are %v", claims)
	}
	if _, said := claims["groups"]; said {
		t.Errorf("the claims are %v", claims)
	}
}

func TestClaimsComeOnlyWithTheirScopes(t *testing.T) {
	v := start(t)
	_, answer := v.redeem(v.code("ann", map[string]string{"scope": "openid email"}), nil)
	claims := v.claims(answer)
	for _, claim := range []string{"groups", "name", "preferred_username"} {
		if _, said := claims[claim]; said {
			t.Errorf("%s is there: %v", claim, claims)
		}
	}
	if claims["email"] != "ann@devailab.work" {
		t.Errorf("the claims are %v", claims)
	}
}

func TestAnAuthorizationRequestIsRefused(t *testing.T) {
	v := start(t)
	elsewhere := map[string]map[string]string{
		"another redirect URI":         {"redirect_uri": "https://evil.example/oauth2/callback"},
		"a longer redirect URI":        {"redirect_uri": callback + "/"},
		"a redirect URI encoded twice": {"redirect_uri": url.QueryEscape(callback)},
		"no redirect URI":              {"redirect_uri": ""},
		"another client's":             {"client_id": "mcd.ops"},
		"an unknown client":            {"client_id": "other"},
	}
	for what, changes := range elsewhere {
		if response, body := v.authorize(changes); response.StatusCode != 400 || response.Header.Get("Location") != "" {
			t.Errorf("%s: got %d to %q: %s", what, response.StatusCode, response.Header.Get("Location"), body)
		}
	}
	back := map[string]map[string]string{
		"no PKCE":             {"code_challenge": "", "code_challenge_method": ""},
		"no challenge":        {"code_challenge": ""},
		"no challenge method": {"code_challenge_method": ""},
		"a plain challenge":   {"code_challenge_method": "plain", "code_challenge": verifier},
		"an implicit flow":    {"response_type": "id_token token"},
		"no response type":    {"response_type": ""},
		"no openid":           {"scope": "email"},
	}
	for what, changes := range back {
		response, _ := v.authorize(changes)
		if to := response.Header.Get("Location"); !strings.HasPrefix(to, callback) || !strings.Contains(to, "error=") {
			t.Errorf("%s: got %d to %q", what, response.StatusCode, to)
		}
	}
}

func TestATokenRequestIsRefusedAndDoesNotSpendTheCode(t *testing.T) {
	v := start(t)
	code := v.code("ann", nil)
	for what, changes := range map[string]map[string]string{
		"a wrong verifier":           {"code_verifier": verifier + "x"},
		"the challenge itself":       {"code_verifier": oidc.NewSHACodeChallenge(verifier)},
		"no verifier":                {"code_verifier": ""},
		"a wrong secret":             {"basic_secret": "guess"},
		"no secret":                  {"basic_id": "", "client_id": "mcd"},
		"a wrong secret in the form": {"basic_id": "", "client_id": "mcd", "client_secret": "guess"},
		"another client":             {"basic_id": "mcd.ops", "basic_secret": "other"},
		"another redirect URI":       {"redirect_uri": "https://ops.devailab.work/oauth2/callback"},
		"a made-up code":             {"code": "guess"},
		"no code":                    {"code": ""},
		"another grant":              {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "x.y.z"},
		"no grant":                   {"grant_type": ""},
	} {
		if response, body := v.redeem(code, changes); response.StatusCode < 400 || response.StatusCode > 401 {
			t.Errorf("%s: got %d: %s", what, response.StatusCode, body)
		}
	}
	if response, body := v.redeem(code, nil); response.StatusCode != http.StatusOK {
		t.Errorf("the right request got %d: %s", response.StatusCode, body)
	}
}

func TestACodeWorksOnce(t *testing.T) {
	v := start(t)
	code := v.code("ann", nil)
	for _, status := range []int{http.StatusOK, http.StatusBadRequest} {
		if response, body := v.redeem(code, nil); response.StatusCode != status {
			t.Errorf("got %d: %s", response.StatusCode, body)
		}
	}
}

func TestOfTwoRequestsWithOneCodeAtTheSameTimeOneGetsTokens(t *testing.T) {
	s, sent := storage{codes: map[string]*request{}, tokens: map[string]*request{}}, &oidc.AuthRequest{ClientID: "mcd"}
	s.codes["c"] = &request{AuthRequest: sent, code: "c"}
	both := make([]op.AuthRequest, 2)
	for index := range both {
		var err error
		if both[index], err = s.AuthRequestByCode(t.Context(), "c"); err != nil {
			t.Fatal(err)
		}
	}
	for index, found := range both {
		if _, _, err := s.CreateAccessToken(t.Context(), found); (err == nil) != (index == 0) {
			t.Errorf("request %d got %v", index, err)
		}
	}
}

func TestTheSecretMayBeInTheForm(t *testing.T) {
	v := start(t)
	form := map[string]string{"basic_id": "", "client_id": "mcd", "client_secret": secret}
	if response, body := v.redeem(v.code("ann", nil), form); response.StatusCode != http.StatusOK {
		t.Errorf("got %d: %s", response.StatusCode, body)
	}
}

func TestUserinfoNeedsTheAccessToken(t *testing.T) {
	v := start(t)
	_, answer := v.redeem(v.code("ann", nil), nil)
	var tokens struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(answer), &tokens); err != nil {
		t.Fatal(err)
	}
	forged := base64.RawURLEncoding.EncodeToString([]byte("a token that nobody gave"))
	for token, status := range map[string]int{tokens.AccessToken: 200, forged: 401} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.server.URL+"/dex/userinfo", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token)
		response, body := v.do(request)
		if response.StatusCode != status || (status == 200) != strings.Contains(body, "ann@devailab.work") {
			t.Errorf("got %d: %s", response.StatusCode, body)
		}
	}
}

func TestDiscoveryNamesOnlyWhatIsThere(t *testing.T) {
	v := start(t)
	_, text := v.get("/dex/.well-known/openid-configuration")
	var document map[string]any
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	if document["issuer"] != "https://mcd.devailab.work/dex" {
		t.Errorf("the issuer is %v", document["issuer"])
	}
	for key := range maps.Keys(document) {
		if !strings.HasSuffix(key, "_endpoint") && key != "jwks_uri" {
			continue
		}
		path := strings.TrimPrefix(document[key].(string), "https://mcd.devailab.work")
		if response, _ := v.get(path); response.StatusCode == http.StatusNotFound {
			t.Errorf("%s is not there", path)
		}
	}
	for _, path := range []string{"/dex/oauth/introspect", "/dex/end_session", "/dex/auth/callback", "/auth"} {
		if response, _ := v.get(path); response.StatusCode != http.StatusNotFound {
			t.Errorf("%s got %d", path, response.StatusCode)
		}
	}
}

func TestItDoesNotStartWithoutASecret(t *testing.T) {
	folder := t.TempDir()
	file, users := filepath.Join(folder, "config.yaml"), filepath.Join(folder, "users.json")
	for path, text := range map[string]string{file: rendered, users: "[]"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("STANDIN_USERS", users)
	t.Setenv("CLIENT_SECRET", secret)
	t.Setenv("CLIENT_SECRET_OPS", "")
	if err := run(file); err == nil || !strings.Contains(err.Error(), "CLIENT_SECRET_OPS") {
		t.Errorf("got %v", err)
	}
}
