// Identity stands in for Dex in Warren's request-path tests, because Dex is in no package registry. It reads the very
// config file that the platform renders for Dex and has Dex's paths, but asks nobody who they are: its sign-in page
// lists the test users. Never deploy it.
//
//	identity serve /etc/dex/config.yaml
//
// STANDIN_USERS names a JSON file with the users; the clients' secrets are in the variables that the config names. It
// asks for more than Dex does: without PKCE (S256) there is no sign-in.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"gopkg.in/yaml.v3"

	"warren/tools/standins/internal/serve"
)

// config is what the stand-in reads of Dex's; the other keys are ignored.
type config struct {
	Issuer        string         `yaml:"issuer"`
	Web           listener       `yaml:"web"`
	Telemetry     listener       `yaml:"telemetry"`
	Expiry        expiry         `yaml:"expiry"`
	StaticClients []staticClient `yaml:"staticClients"`
}

type listener struct {
	HTTP string `yaml:"http"`
}

type expiry struct {
	IDTokens time.Duration `yaml:"idTokens"`
}

type staticClient struct {
	ID           string   `yaml:"id"`
	SecretEnv    string   `yaml:"secretEnv"`
	RedirectURIs []string `yaml:"redirectURIs"`
}

// user is a person whom a test can sign in as; PreferredUsername is how the sign-in page calls them.
type user struct {
	ID                string   `json:"id"`
	Email             string   `json:"email"`
	EmailVerified     bool     `json:"email_verified"`
	Name              string   `json:"name"`
	PreferredUsername string   `json:"preferred_username"`
	Groups            []string `json:"groups"`
}

func main() {
	if len(os.Args) != 3 || os.Args[1] != "serve" {
		log.Fatal("usage: identity serve CONFIG")
	}
	if err := run(os.Args[2]); err != nil {
		log.Fatalf("identity: %v", err)
	}
}

func run(path string) error {
	settings := config{Expiry: expiry{IDTokens: 24 * time.Hour}} // Dex's own default.
	if err := read(path, yaml.Unmarshal, &settings); err != nil {
		return err
	}
	var users []user
	if err := read(os.Getenv("STANDIN_USERS"), json.Unmarshal, &users); err != nil {
		return fmt.Errorf("STANDIN_USERS has to name a JSON file: %w", err)
	}
	secrets := map[string]string{}
	for _, client := range settings.StaticClients {
		secrets[client.ID] = os.Getenv(client.SecretEnv)
		if secrets[client.ID] == "" {
			// Dex would take an empty secret, and with it anybody for this client.
			return fmt.Errorf("client %s: its secretEnv %q is empty", client.ID, client.SecretEnv)
		}
	}
	web, err := handler(settings, secrets, users)
	if err != nil {
		return err
	}

	sites := map[string]http.Handler{}
	sites[settings.Web.HTTP] = web
	announcement := fmt.Sprintf("identity: Warren's stand-in for Dex in tests, not Dex; issuer %s at %s",
		settings.Issuer, settings.Web.HTTP)
	if settings.Telemetry.HTTP != "" {
		sites[settings.Telemetry.HTTP] = health()
	}
	return serve.Run(announcement, sites)
}

func read(path string, decode func([]byte, any) error, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := decode(text, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func health() http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"/healthz/live", "/healthz/ready"} {
		mux.HandleFunc(path, func(http.ResponseWriter, *http.Request) {})
	}
	return mux
}
