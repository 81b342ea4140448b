// Echo stands in for the image of every app in Warren's tests, because no package registry has images: it answers every
// request with what arrived.
//
// STANDIN_PORTS (comma separated) says where it listens, nowhere if it is empty; STANDIN_APP and STANDIN_POD what it
// calls itself. A request may ask for `?status=503`, `?sleep=2s` and `?size=1024` (bytes in place of the JSON), or for
// `?pause=2s`: an event stream of two events with that much silence between. A WebSocket gets the JSON as its first
// message and then its own messages back.
//
// In place of ports there may be `once`: it says what it sees of itself, and ends; or `probe`: it ends well if what else
// runs from its image, in the same pod, answers. Where an image has several commands, STANDIN_COMMANDS (JSON) has that
// for the beginnings of command lines, a name and arguments with blanks between. From SIGUSR1 to SIGUSR2 nothing
// answers, and with STANDIN_ILL nothing from the start.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gorilla/websocket"
)

// seen is a request as the app received it.
type seen struct {
	App       string      `json:"app"`
	Pod       string      `json:"pod"`
	Method    string      `json:"method"`
	Host      string      `json:"host"`
	URI       string      `json:"uri"` // Not r.URL, which Go has parsed and decoded.
	Headers   http.Header `json:"headers"`
	Trailers  http.Header `json:"trailers"`
	BodyBytes int64       `json:"bodyBytes"`
}

// wish is what a request asked of its answer; size is negative where it wants the JSON.
type wish struct {
	status int
	sleep  time.Duration
	pause  time.Duration
	size   int64
}

type echo struct {
	app, pod string
}

var upgrader = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}

func main() {
	command := append([]string{filepath.Base(os.Args[0])}, os.Args[1:]...)
	what, err := role(command, os.Getenv("STANDIN_COMMANDS"), os.Getenv("STANDIN_PORTS"))
	if err == nil {
		err = play(what, echo{os.Getenv("STANDIN_APP"), os.Getenv("STANDIN_POD")})
	}
	if err != nil {
		log.Fatalf("echo: %v", err)
	}
}

// ServeHTTP is used without a ServeMux, which would clean paths and redirect.
func (e echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Standin-App", e.app)
	if websocket.IsWebSocketUpgrade(r) {
		e.webSocket(w, r)
		return
	}
	wanted, err := wishes(r.URL.RawQuery)
	if err != nil {
		http.Error(w, "echo: "+err.Error(), http.StatusBadRequest)
		return
	}
	// Trailers are known only once the body was read.
	read, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		http.Error(w, "echo: the body broke off: "+err.Error(), http.StatusBadRequest)
		return
	}
	if wanted.sleep > 0 {
		select {
		case <-time.After(wanted.sleep):
		case <-r.Context().Done():
			return
		}
	}
	if wanted.pause > 0 {
		events(w, r, wanted.pause)
		return
	}
	var body io.Reader
	if wanted.size < 0 {
		text := e.describe(r, read)
		wanted.size, body = int64(len(text)), bytes.NewReader(text)
		w.Header().Set("Content-Type", "application/json")
	} else {
		body = io.LimitReader(letters{}, wanted.size)
		w.Header().Set("Content-Type", "application/octet-stream")
	}
	if wanted.status != http.StatusNoContent && wanted.status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.FormatInt(wanted.size, 10))
	}
	w.WriteHeader(wanted.status)
	if r.Method != http.MethodHead {
		// The one thing that can fail is a client that went away.
		_, _ = io.Copy(w, body)
	}
}

func events(w http.ResponseWriter, r *http.Request, pause time.Duration) {
	w.Header().Set("Content-Type", "text/event-stream")
	// The client may be gone at any of these, and then there is nobody to tell.
	_, _ = io.WriteString(w, "data: first\n\n")
	_ = http.NewResponseController(w).Flush()
	select {
	case <-time.After(pause):
		_, _ = io.WriteString(w, "data: last\n\n")
	case <-r.Context().Done():
	}
}

func (e echo) describe(r *http.Request, read int64) []byte {
	trailers := r.Trailer
	if trailers == nil {
		trailers = http.Header{}
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // An `&` in the URI stays readable in a failing test.
	if err := encoder.Encode(seen{e.app, e.pod, r.Method, r.Host, r.RequestURI, r.Header, trailers, read}); err != nil {
		panic(err) // Strings and numbers always encode.
	}
	return text.Bytes()
}

func (e echo) webSocket(w http.ResponseWriter, r *http.Request) {
	text := e.describe(r, 0)
	connection, err := upgrader.Upgrade(w, r, w.Header())
	if err != nil {
		return // Upgrade has answered.
	}
	defer connection.Close()
	kind, message := websocket.TextMessage, text
	for {
		if connection.WriteMessage(kind, message) != nil {
			return
		}
		if kind, message, err = connection.ReadMessage(); err != nil {
			return
		}
	}
}

func wishes(rawQuery string) (wish, error) {
	wanted := wish{status: http.StatusOK, size: -1}
	if rawQuery == "" {
		return wanted, nil
	}
	// An app's query may be anything, so what cannot be parsed is simply no wish.
	query, _ := url.ParseQuery(rawQuery)
	var err error
	if text := query.Get("status"); text != "" {
		if wanted.status, err = strconv.Atoi(text); err != nil || wanted.status < 200 || wanted.status > 599 {
			return wanted, fmt.Errorf("status has to be 200 to 599, not %q", text)
		}
	}
	if text := query.Get("sleep"); text != "" {
		if wanted.sleep, err = time.ParseDuration(text); err != nil {
			return wanted, fmt.Errorf("sleep has to be a duration such as 2s, not %q", text)
		}
	}
	if text := query.Get("pause"); text != "" {
		if wanted.pause, err = time.ParseDuration(text); err != nil {
			return wanted, fmt.Errorf("pause has to be a duration such as 2s, not %q", text)
		}
	}
	if text := query.Get("size"); text != "" {
		if wanted.size, err = strconv.ParseInt(text, 10, 64); err != nil || wanted.size < 0 {
			return wanted, fmt.Errorf("size has to be a number of bytes, not %q", text)
		}
	}
	return wanted, nil
}

// letters is an endless body of x.
type letters struct{}

func (letters) Read(buffer []byte) (int, error) {
	for index := range buffer {
		buffer[index] = 'x'
	}
	return len(buffer), nil
}
