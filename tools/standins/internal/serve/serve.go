// Package serve is what both stand-ins share: how they listen and how they stop.
package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const grace = 10 * time.Second

// Run answers on every address until SIGTERM or SIGINT, then lets running requests finish. It listens everywhere before
// it prints the announcement, so whoever waits for that line can connect.
func Run(announcement string, sites map[string]http.Handler) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	return Until(ctx, announcement, sites)
}

// Until is Run with an end of its own. An address that begins with `@` is a socket without a file, of the network
// namespace.
func Until(ctx context.Context, announcement string, sites map[string]http.Handler) error {
	servers := map[*http.Server]net.Listener{}
	for address, handler := range sites {
		network := "tcp"
		if strings.HasPrefix(address, "@") {
			network = "unix"
		}
		listener, err := net.Listen(network, address)
		if err != nil {
			return err
		}
		// HTTP/2 without TLS as well: that is what a route with `protocol: grpc` speaks.
		var protocols http.Protocols
		protocols.SetHTTP1(true)
		protocols.SetUnencryptedHTTP2(true)
		// Go would answer `OPTIONS *` itself.
		servers[&http.Server{Handler: handler, DisableGeneralOptionsHandler: true, Protocols: &protocols}] = listener
	}
	fmt.Println(announcement)

	failed := make(chan error, len(servers))
	for server, listener := range servers {
		go func() { failed <- server.Serve(listener) }()
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}

	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	stopped := make(chan error, len(servers))
	for server := range servers {
		go func() { stopped <- server.Shutdown(ctx) }()
	}
	var err error
	for range servers {
		err = errors.Join(err, <-stopped)
	}
	return err
}
