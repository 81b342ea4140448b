// Misbehave stands in for an app that goes wrong in Warren's tests on real nodes: it answers as a good one does until a
// request asks it for trouble, and says here what it then does.
//
// STANDIN_PORTS says where it listens. The last part of a request's path is the trouble: `memory` is taken without end; `processes`
// are started without end, each with many threads; `time` is burnt by a thread a processor; `disk` and `log` write `?mib=100`, to
// the scratch volume and to what containers print. The last two end by themselves, `processes` and `time` after `?for=10s`.
package main

import (
	"bytes"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path"
	"runtime"
	"strconv"
	"time"

	"warren/tools/standins/internal/serve"
)

// child is the argument of a process that only holds threads.
const child = "hold-threads"

const mebibyte = 1 << 20

func main() {
	if len(os.Args) > 1 && os.Args[1] == child {
		holdThreads(50)
	}
	port := os.Getenv("STANDIN_PORTS")
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		log.Fatalf("misbehave: STANDIN_PORTS has to be one port, and %q is none", port)
	}
	said := fmt.Sprintf("misbehave: Warren's stand-in for an app that goes wrong when it is asked to, port %s", port)
	if err := serve.Run(said, map[string]http.Handler{":" + port: http.HandlerFunc(answer)}); err != nil {
		log.Fatalf("misbehave: %v", err)
	}
}

func answer(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	// Whoever asks gets an answer; what is asked for begins afterwards.
	switch path.Base(r.URL.Path) {
	case "memory":
		go takeMemory()
	case "processes":
		go startProcesses(duration(query))
	case "time":
		for range runtime.NumCPU() {
			go burn(duration(query))
		}
	case "disk":
		go write(path.Join(os.TempDir(), "much"), size(query))
	case "log":
		go write("/dev/stdout", size(query))
	}
	fmt.Fprintln(w, "misbehave: as you wish")
}

func duration(query url.Values) time.Duration {
	if wanted, err := time.ParseDuration(query.Get("for")); err == nil {
		return wanted
	}
	return 10 * time.Second
}

func size(query url.Values) int {
	if wanted, err := strconv.Atoi(query.Get("mib")); err == nil {
		return wanted
	}
	return 100
}

func takeMemory() {
	for held := [][]byte{}; ; {
		held = append(held, bytes.Repeat([]byte{1}, mebibyte))
	}
}

func startProcesses(lasting time.Duration) {
	started := []*exec.Cmd{}
	failed := 0
	for ends := time.Now().Add(lasting); time.Now().Before(ends); {
		command := exec.Command("/proc/self/exe", child)
		if command.Start() != nil {
			failed++
			time.Sleep(10 * time.Millisecond)
			continue
		}
		started = append(started, command)
	}
	fmt.Printf("misbehave: started %d processes, and %d could not be\n", len(started), failed)
	for _, command := range started {
		// Some have ended already, because they could not have their threads.
		_ = command.Process.Kill()
		_ = command.Wait()
	}
}

func holdThreads(number int) {
	for range number {
		go func() {
			runtime.LockOSThread()
			time.Sleep(time.Hour)
		}()
	}
	time.Sleep(time.Hour)
}

func burn(lasting time.Duration) {
	for ends := time.Now().Add(lasting); time.Now().Before(ends); {
	}
}

func write(name string, mebibytes int) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		fmt.Printf("misbehave: %v\n", err)
		return
	}
	defer file.Close()
	line := append(bytes.Repeat([]byte{'x'}, 1023), '\n')
	for range mebibytes * mebibyte / len(line) {
		if _, err := file.Write(line); err != nil {
			fmt.Printf("misbehave: %v\n", err)
			return
		}
	}
}
