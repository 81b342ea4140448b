package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"warren/tools/standins/internal/serve"
)

const (
	once  = "once"
	probe = "probe"
)

// role is what a command line means: its entry in STANDIN_COMMANDS, of several the longest beginning, or else
// STANDIN_PORTS.
func role(command []string, commands, ports string) (string, error) {
	if commands == "" {
		return ports, nil
	}
	known := map[string]string{}
	if err := json.Unmarshal([]byte(commands), &known); err != nil {
		return "", fmt.Errorf("STANDIN_COMMANDS has to be JSON, command line to what it does: %w", err)
	}
	for end := len(command); end > 0; end-- {
		if found, ok := known[strings.Join(command[:end], " ")]; ok {
			return found, nil
		}
	}
	return ports, nil
}

// play does what a role says, until SIGTERM where it has no end of its own.
func play(role string, app echo) error {
	socket := "@" + app.app
	announcement := "echo: Warren's stand-in for an app's image, here " + strconv.Quote(app.app)
	switch role {
	case probe:
		connection, err := net.Dial("unix", socket)
		if err != nil {
			return err
		}
		return connection.Close()
	case once:
		fmt.Println(announcement + ", which ends at once")
		return json.NewEncoder(os.Stdout).Encode(look())
	}
	sites, err := addresses(role, app)
	if err != nil {
		return err
	}
	if os.Getenv("STANDIN_COMMANDS") != "" {
		sites[socket] = app
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := inHealthAndSickness(ctx, announcement+", port "+role, sites); err != nil {
		return err
	}
	fmt.Println("echo: over")
	return nil
}

func addresses(ports string, app echo) (map[string]http.Handler, error) {
	sites := map[string]http.Handler{}
	if ports == "" {
		return sites, nil
	}
	for port := range strings.SplitSeq(ports, ",") {
		port = strings.TrimSpace(port)
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return nil, fmt.Errorf("STANDIN_PORTS has to be ports with commas between, and %q is none", port)
		}
		sites[":"+port] = app
	}
	return sites, nil
}

// inHealthAndSickness answers everywhere, and nowhere between SIGUSR1 and SIGUSR2.
func inHealthAndSickness(ctx context.Context, announcement string, sites map[string]http.Handler) error {
	changes := make(chan os.Signal, 8)
	signal.Notify(changes, syscall.SIGUSR1, syscall.SIGUSR2)
	well := os.Getenv("STANDIN_ILL") == ""
	for ; ctx.Err() == nil; well = !well {
		if !well {
			await(ctx, changes, syscall.SIGUSR2)
			continue
		}
		healthy, fall := context.WithCancel(ctx)
		go func() {
			await(healthy, changes, syscall.SIGUSR1)
			fall()
		}()
		err := serve.Until(healthy, announcement, sites)
		fall()
		if err != nil {
			return err
		}
	}
	return nil
}

func await(ctx context.Context, changes <-chan os.Signal, wanted os.Signal) {
	for {
		select {
		case change := <-changes:
			if change == wanted {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// self is what a process sees of itself, for whoever comes when it is over.
type self struct {
	Status      string `json:"status"`
	Mounts      string `json:"mounts"`
	MemoryLimit string `json:"memoryLimit"`
}

func look() self {
	return self{read("/proc/self/status"), read("/proc/self/mountinfo"),
		// Of control groups of version 1, and of version 2.
		read("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory.max")}
}

func read(paths ...string) string {
	for _, path := range paths {
		if text, err := os.ReadFile(path); err == nil {
			return string(text)
		}
	}
	return ""
}
