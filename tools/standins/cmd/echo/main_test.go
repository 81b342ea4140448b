package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// exchange sends raw bytes, as no client of Go's would, and returns the answer with its body.
func exchange(t *testing.T, request string) (*http.Response, string) {
	t.Helper()
	server := httptest.NewServer(echo{"landing", "landing-0"})
	t.Cleanup(server.Close)
	connection, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := io.WriteString(connection, request); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func TestARequestIsDescribedExactlyAsItArrived(t *testing.T) {
	response, body := exchange(t, "PATCH //a/../%2e%2fb?q=1&r=%20&%zz;x HTTP/1.1\r\nHost: mcd.devailab.work\r\n"+
		"x-two: 1\r\nX-Two: 2\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\nConnection: close\r\n\r\n"+
		"5\r\nhello\r\n0\r\nX-Sum: abc\r\n\r\n")
	var got seen
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v in %q", err, body)
	}
	if response.StatusCode != 200 || response.Header.Get("Content-Type") != "application/json" ||
		response.Header.Get("X-Standin-App") != "landing" {
		t.Errorf("got %d with %v", response.StatusCode, response.Header)
	}
	if got.App != "landing" || got.Pod != "landing-0" || got.Method != "PATCH" || got.Host != "mcd.devailab.work" ||
		got.URI != "//a/../%2e%2fb?q=1&r=%20&%zz;x" || got.BodyBytes != 5 || got.Trailers.Get("X-Sum") != "abc" ||
		strings.Join(got.Headers["X-Two"], ",") != "1,2" {
		t.Errorf("got %+v", got)
	}
}

func TestAQueryChoosesStatusSizeAndPause(t *testing.T) {
	started := time.Now()
	response, body := exchange(t, "GET /?status=503&size=70000&sleep=60ms HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	if response.StatusCode != 503 || response.ContentLength != 70000 || body != strings.Repeat("x", 70000) {
		t.Errorf("got %d with %d bytes", response.StatusCode, len(body))
	}
	if time.Since(started) < 60*time.Millisecond {
		t.Error("it did not wait")
	}
	for _, query := range []string{"status=101", "status=x", "size=-1", "sleep=long"} {
		if response, _ := exchange(t, "GET /?"+query+" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); response.StatusCode != 400 {
			t.Errorf("%s got %d", query, response.StatusCode)
		}
	}
}

func TestAWebSocketHearsTheRequestAndThenItself(t *testing.T) {
	server := httptest.NewServer(echo{"chat", "chat-0"})
	defer server.Close()
	headers := http.Header{"Origin": {"https://elsewhere.example"}, "X-Auth-Request-Email": {"ann@devailab.work"}}
	connection, response, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http")+"/ws?a=b", headers)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	var got seen
	if err := connection.ReadJSON(&got); err != nil {
		t.Fatal(err)
	}
	if response.Header.Get("X-Standin-App") != "chat" || got.URI != "/ws?a=b" ||
		got.Headers.Get("X-Auth-Request-Email") != "ann@devailab.work" {
		t.Errorf("got %+v with %v", got, response.Header)
	}
	for _, kind := range []int{websocket.TextMessage, websocket.BinaryMessage} {
		if err := connection.WriteMessage(kind, []byte("hi")); err != nil {
			t.Fatal(err)
		}
		if back, message, err := connection.ReadMessage(); err != nil || back != kind || string(message) != "hi" {
			t.Errorf("got %d %q, %v", back, message, err)
		}
	}
}
