// Package ext stands for a nested module of Traefik's that is in no registry: two empty structs that a fork may fill.
package ext

// HTTP extends the HTTP configuration by nothing.
type HTTP struct{}

// Router extends a router's configuration by nothing.
type Router struct{}
