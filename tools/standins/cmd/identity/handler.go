package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

var page = template.Must(template.New("sign-in").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Sign-in for tests</title>
<h1>Warren's stand-in for Dex, for tests only</h1>
<p>This is not Dex, and nobody is asked for a password. Sign in as:</p>
<ul>{{range .Users}}
<li><a href="login?id={{$.ID}}&amp;user={{.PreferredUsername}}">{{.PreferredUsername}}</a></li>{{end}}
</ul></html>
`))

// handler serves Dex's paths below the issuer's, and its page where Dex has those of its connectors. The library's own
// router has more endpoints than Dex, so what is not named here is not there.
func handler(settings config, secrets map[string]string, users []user) (http.Handler, error) {
	issuer, err := url.Parse(settings.Issuer)
	if err != nil {
		return nil, err
	}
	base := strings.TrimSuffix(issuer.Path, "/")
	state, err := newStorage(settings, secrets, users, base+"/auth/login")
	if err != nil {
		return nil, err
	}
	options := &op.Config{CodeMethodS256: true, AuthMethodPost: true}
	if _, err := rand.Read(options.CryptoKey[:]); err != nil {
		return nil, err
	}
	provider, err := op.NewProvider(options, state, op.StaticIssuer(settings.Issuer),
		op.WithCORSOptions(nil),
		op.WithCustomAuthEndpoint(op.NewEndpoint("auth")),
		op.WithCustomTokenEndpoint(op.NewEndpoint("token")),
		op.WithCustomKeysEndpoint(op.NewEndpoint("keys")),
		op.WithCustomUserinfoEndpoint(op.NewEndpoint("userinfo")))
	if err != nil {
		return nil, err
	}

	mux := http.NewServeMux()
	library := http.StripPrefix(base, provider)
	mux.Handle("GET "+base+"/auth", library)
	mux.Handle("POST "+base+"/auth", library)
	mux.Handle("GET "+base+"/keys", library)
	mux.Handle(base+"/userinfo", library)
	mux.HandleFunc("POST "+base+"/token", func(w http.ResponseWriter, r *http.Request) {
		r.URL.RawQuery = "" // Dex reads the body only, and a secret has no place in a URL.
		if grant := r.FormValue("grant_type"); grant != string(oidc.GrantTypeCode) {
			refusal := oidc.ErrUnsupportedGrantType().WithDescription("grant_type %q is not in this stand-in", grant)
			op.RequestError(w, r, refusal, provider.Logger())
			return
		}
		library.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET "+base+"/auth/login", func(w http.ResponseWriter, r *http.Request) {
		signIn(w, r, state, provider)
	})
	mux.HandleFunc("GET "+base+oidc.DiscoveryEndpoint, discovery(settings.Issuer))
	return mux, nil
}

// signIn lists the users, or signs one in and goes on to the client's callback.
func signIn(w http.ResponseWriter, r *http.Request, state *storage, provider *op.Provider) {
	id, name := r.FormValue("id"), r.FormValue("user")
	if name == "" {
		if !state.isOpen(id) {
			http.Error(w, errNotOpen.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		// The one thing that can fail is a client that went away.
		_ = page.Execute(w, struct {
			ID    string
			Users []user
		}{id, state.users})
		return
	}
	request, err := state.signIn(id, name)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	op.AuthResponse(request, provider, w, r)
}

// discovery describes what is really there; the library's own document names everything it knows.
func discovery(issuer string) http.HandlerFunc {
	document, err := json.Marshal(oidc.DiscoveryConfiguration{
		Issuer:                            issuer,
		AuthorizationEndpoint:             issuer + "/auth",
		TokenEndpoint:                     issuer + "/token",
		JwksURI:                           issuer + "/keys",
		UserinfoEndpoint:                  issuer + "/userinfo",
		ScopesSupported:                   []string{"openid", "email", "groups", "profile"},
		ResponseTypesSupported:            []string{string(oidc.ResponseTypeCode)},
		GrantTypesSupported:               []oidc.GrantType{oidc.GrantTypeCode},
		SubjectTypesSupported:             []string{"public"},
		IDTokenSigningAlgValuesSupported:  []string{"RS256"},
		TokenEndpointAuthMethodsSupported: []oidc.AuthMethod{oidc.AuthMethodBasic, oidc.AuthMethodPost},
		CodeChallengeMethodsSupported:     []oidc.CodeChallengeMethod{oidc.CodeChallengeMethodS256},
		ClaimsSupported: []string{
			"iss", "sub", "aud", "iat", "exp", "email", "email_verified", "name", "preferred_username", "groups",
		},
	})
	if err != nil {
		panic(err) // Texts always encode.
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(document)
	}
}

var errNotOpen = errors.New("this sign-in is unknown or over; start again at the app")
