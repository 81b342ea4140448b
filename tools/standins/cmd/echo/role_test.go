package main

import (
	"context"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"
)

func TestTheLongestBeginningOfACommandLineSaysWhatItDoes(t *testing.T) {
	commands := `{"suite worker": "", "suite migrate": "once", "suite worker ping": "probe"}`
	for _, each := range []struct {
		command []string
		role    string
	}{
		{[]string{"echo", "--port=8000"}, "8000"},
		{[]string{"suite", "worker", "--threads", "4"}, ""},
		{[]string{"suite", "worker", "ping"}, probe},
		{[]string{"suite", "migrate"}, once},
		{[]string{"suite", "work"}, "8000"},
	} {
		if got, err := role(each.command, commands, "8000"); err != nil || got != each.role {
			t.Errorf("%v got %q, %v", each.command, got, err)
		}
	}
	if _, err := role(nil, "suite", ""); err == nil {
		t.Error("what is no JSON was taken")
	}
}

func TestNothingAnswersWhileItIsIll(t *testing.T) {
	t.Setenv("STANDIN_ILL", "1")
	ctx, stop := context.WithCancel(context.Background())
	over := make(chan error)
	go func() { over <- inHealthAndSickness(ctx, "a test", map[string]http.Handler{"@echo-test": echo{}}) }()
	answers := func() bool {
		connection, err := net.Dial("unix", "@echo-test")
		if err == nil {
			connection.Close()
		}
		return err == nil
	}
	told := func(change syscall.Signal, wanted bool) {
		t.Helper()
		for deadline := time.Now().Add(5 * time.Second); answers() != wanted; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("whether it answers is still %v", !wanted)
			}
			if err := syscall.Kill(syscall.Getpid(), change); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 2 {
		told(syscall.SIGUSR2, true)
		told(syscall.SIGUSR1, false)
	}
	stop()
	if err := <-over; err != nil {
		t.Error(err)
	}
}
