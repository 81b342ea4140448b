package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// storage has what the library needs for the authorization code flow, in memory. The embedded interface is nil: its
// other methods belong to endpoints and grants that handler does not let through.
type storage struct {
	op.Storage

	clients map[string]client
	users   []user
	key     signingKey

	lock     sync.Mutex
	requests map[string]*request // By id: sign-ins that have not ended.
	codes    map[string]*request
	tokens   map[string]*request // By access token id, for userinfo.
}

// request is one sign-in, from /auth to the tokens.
type request struct {
	*oidc.AuthRequest
	id       string
	code     string
	user     *user // Nil until somebody signed in.
	signedIn time.Time
	expires  time.Time // The access token's end.
}

func newStorage(settings config, secrets map[string]string, users []user, login string) (*storage, error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	s := &storage{
		clients:  map[string]client{},
		users:    users,
		key:      signingKey{rand.Text(), private},
		requests: map[string]*request{},
		codes:    map[string]*request{},
		tokens:   map[string]*request{},
	}
	for _, static := range settings.StaticClients {
		s.clients[static.ID] = client{static, secrets[static.ID], login, settings.Expiry.IDTokens}
	}
	names := map[string]bool{}
	for _, user := range users {
		if user.ID == "" || user.PreferredUsername == "" || names[user.PreferredUsername] {
			return nil, fmt.Errorf("user %q: each needs an id and a preferred_username of its own", user.PreferredUsername)
		}
		names[user.PreferredUsername] = true
	}
	return s, nil
}

func (s *storage) isOpen(id string) bool {
	s.lock.Lock()
	defer s.lock.Unlock()
	found, ok := s.requests[id]
	return ok && found.user == nil
}

// signIn says who is behind a request, once.
func (s *storage) signIn(id, name string) (*request, error) {
	index := slices.IndexFunc(s.users, func(user user) bool { return user.PreferredUsername == name })
	if index < 0 {
		return nil, fmt.Errorf("there is no test user %q", name)
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	found, ok := s.requests[id]
	if !ok || found.user != nil {
		return nil, errNotOpen
	}
	found.user, found.signedIn = &s.users[index], time.Now()
	return found, nil
}

// CreateAuthRequest refuses what the library would let pass: it compares redirect URIs after decoding them once more,
// drops scopes silently and leaves PKCE to the client.
func (s *storage) CreateAuthRequest(_ context.Context, asked *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	switch {
	case !slices.Contains(s.clients[asked.ClientID].RedirectURIs(), asked.RedirectURI):
		return nil, oidc.ErrInvalidRequestRedirectURI().WithDescription("redirect_uri is not the client's")
	case !slices.Contains(asked.Scopes, oidc.ScopeOpenID):
		return nil, oidc.ErrInvalidScope().WithDescription("scope has no openid")
	case asked.CodeChallenge == "" || asked.CodeChallengeMethod != oidc.CodeChallengeMethodS256:
		return nil, oidc.ErrInvalidRequest().WithDescription("PKCE with code_challenge_method S256 is required")
	}
	created := &request{AuthRequest: asked, id: rand.Text()}
	s.lock.Lock()
	defer s.lock.Unlock()
	s.requests[created.id] = created
	return created, nil
}

func (s *storage) SaveAuthCode(_ context.Context, id, code string) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	found, ok := s.requests[id]
	if !ok {
		return errNotOpen
	}
	delete(s.requests, id)
	found.code = code
	s.codes[code] = found
	return nil
}

func (s *storage) AuthRequestByCode(_ context.Context, code string) (op.AuthRequest, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	found, ok := s.codes[code]
	if !ok {
		return nil, errors.New("unknown or used code")
	}
	return found, nil
}

// CreateAccessToken spends the code. The library calls it when client, redirect URI and verifier have been checked, so
// a wrong guess does not spend it, as with Dex, and of two right ones at the same time only one gets tokens.
func (s *storage) CreateAccessToken(_ context.Context, asked op.TokenRequest) (string, time.Time, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	spent, ok := asked.(*request)
	if !ok || s.codes[spent.code] != spent {
		return "", time.Time{}, oidc.ErrInvalidGrant().WithDescription("unknown or used code")
	}
	delete(s.codes, spent.code)
	token := rand.Text()
	spent.expires = time.Now().Add(s.clients[spent.ClientID].idTokens)
	s.tokens[token] = spent
	return token, spent.expires, nil
}

// DeleteAuthRequest has nothing left to do after CreateAccessToken.
func (s *storage) DeleteAuthRequest(context.Context, string) error { return nil }

func (s *storage) SigningKey(context.Context) (op.SigningKey, error) { return s.key, nil }

func (s *storage) KeySet(context.Context) ([]op.Key, error) { return []op.Key{publicKey{s.key}}, nil }

func (s *storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	found, ok := s.clients[id]
	if !ok {
		return nil, fmt.Errorf("unknown client %q", id)
	}
	return found, nil
}

func (s *storage) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	found, ok := s.clients[id]
	if !ok || subtle.ConstantTimeCompare([]byte(found.secret), []byte(secret)) != 1 {
		return errors.New("wrong client or secret")
	}
	return nil
}

// SetUserinfoFromScopes is replaced by SetUserinfoFromRequest and still called.
func (s *storage) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

// SetUserinfoFromRequest fills the id token.
func (s *storage) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, asked op.IDTokenRequest, scopes []string) error {
	from, ok := asked.(*request)
	if !ok {
		return errors.New("an id token for no sign-in")
	}
	describe(info, from.user, scopes)
	return nil
}

// SetUserinfoFromToken answers userinfo.
func (s *storage) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, token, _, _ string) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	from, ok := s.tokens[token]
	if !ok || time.Now().After(from.expires) {
		return oidc.ErrAccessDenied().WithDescription("unknown or expired access token")
	}
	describe(info, from.user, from.Scopes)
	return nil
}

// describe gives the claims that Dex gives for these scopes.
func describe(info *oidc.UserInfo, who *user, scopes []string) {
	info.Subject = who.ID
	if slices.Contains(scopes, oidc.ScopeEmail) {
		info.AppendClaims("email", who.Email)
		// The library's own field leaves false out, and OAuth2-Proxy refuses only an address that is said to be unverified.
		info.AppendClaims("email_verified", who.EmailVerified)
	}
	if slices.Contains(scopes, oidc.ScopeProfile) {
		info.Name, info.PreferredUsername = who.Name, who.PreferredUsername
	}
	if slices.Contains(scopes, "groups") && len(who.Groups) > 0 {
		info.AppendClaims("groups", who.Groups)
	}
}

func (r *request) GetID() string          { return r.id }
func (r *request) GetACR() string         { return "" }
func (r *request) GetAMR() []string       { return nil }
func (r *request) GetAudience() []string  { return []string{r.ClientID} }
func (r *request) GetAuthTime() time.Time { return r.signedIn }
func (r *request) GetClientID() string    { return r.ClientID }
func (r *request) GetNonce() string       { return r.Nonce }
func (r *request) GetScopes() []string    { return r.Scopes }
func (r *request) GetSubject() string     { return r.user.ID }
func (r *request) Done() bool             { return r.user != nil }
func (r *request) GetCodeChallenge() *oidc.CodeChallenge {
	return &oidc.CodeChallenge{Challenge: r.CodeChallenge, Method: r.CodeChallengeMethod}
}

// client is one of the config's staticClients, as the library sees it.
type client struct {
	staticClient
	secret   string
	login    string
	idTokens time.Duration
}

func (c client) GetID() string                       { return c.ID }
func (c client) RedirectURIs() []string              { return c.staticClient.RedirectURIs }
func (c client) PostLogoutRedirectURIs() []string    { return nil }
func (c client) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }
func (c client) AuthMethod() oidc.AuthMethod         { return oidc.AuthMethodBasic } // The library then takes post too.
func (c client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c client) GrantTypes() []oidc.GrantType                                 { return []oidc.GrantType{oidc.GrantTypeCode} }
func (c client) LoginURL(id string) string                                    { return c.login + "?id=" + id }
func (c client) AccessTokenType() op.AccessTokenType                          { return op.AccessTokenTypeBearer }
func (c client) IDTokenLifetime() time.Duration                               { return c.idTokens }
func (c client) DevMode() bool                                                { return false }
func (c client) IsScopeAllowed(scope string) bool                             { return scope == "groups" }
func (c client) IDTokenUserinfoClaimsAssertion() bool                         { return true } // As Dex: the id token says everything.
func (c client) ClockSkew() time.Duration                                     { return 0 }
func (c client) RestrictAdditionalIdTokenScopes() func([]string) []string     { return same }
func (c client) RestrictAdditionalAccessTokenScopes() func([]string) []string { return same }

func same(scopes []string) []string { return scopes }

type signingKey struct {
	id      string
	private *rsa.PrivateKey
}

func (k signingKey) ID() string                                  { return k.id }
func (k signingKey) Key() any                                    { return k.private }
func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }

type publicKey struct{ signingKey }

func (k publicKey) Key() any                           { return &k.private.PublicKey }
func (k publicKey) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k publicKey) Use() string                        { return "sig" }
