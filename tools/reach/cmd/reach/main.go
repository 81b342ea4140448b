// Reach says which connections NetworkPolicies allow.  It reads one JSON document from standard input and writes one to
// standard output.  The judgement is that of Cyclonus, the evaluator behind the NetworkPolicy conformance suite; nothing
// of it is done here.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/mattfenwick/cyclonus/pkg/matcher"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Peer is one end of a connection.  Without a namespace it is an address outside of the cluster.
type Peer struct {
	IP              string            `json:"ip"`
	Namespace       string            `json:"namespace"`
	NamespaceLabels map[string]string `json:"namespaceLabels"`
	Labels          map[string]string `json:"labels"`
}

// Traffic is one connection.  The port's name is what the destination's container calls it.
type Traffic struct {
	Source      string          `json:"source"`
	Destination string          `json:"destination"`
	Protocol    corev1.Protocol `json:"protocol"`
	Port        int             `json:"port"`
	PortName    string          `json:"portName"`
}

// Question is what is read.
type Question struct {
	Policies []*networkingv1.NetworkPolicy `json:"policies"`
	Peers    map[string]Peer               `json:"peers"`
	Traffic  []Traffic                     `json:"traffic"`
}

// Answer is written for each connection, in order.  A connection needs both halves.
type Answer struct {
	Ingress bool `json:"ingress"`
	Egress  bool `json:"egress"`
	Allowed bool `json:"allowed"`
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "reach: %v\n", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	var question Question
	decoder := json.NewDecoder(in)
	// A misspelt field of a policy would otherwise be a wall that is not there.
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&question); err != nil {
		return err
	}
	for _, policy := range question.Policies {
		if err := understood(policy); err != nil {
			return fmt.Errorf("NetworkPolicy %s/%s: %w", policy.Namespace, policy.Name, err)
		}
	}
	ends := map[string]*matcher.TrafficPeer{}
	for name, peer := range question.Peers {
		ends[name] = &matcher.TrafficPeer{IP: peer.IP}
		if peer.Namespace != "" {
			ends[name].Internal = &matcher.InternalPeer{
				Namespace: peer.Namespace, NamespaceLabels: peer.NamespaceLabels, PodLabels: peer.Labels,
			}
		}
	}
	// Never simplified: that rewrites rules before they are judged, and buys only speed.
	walls := matcher.BuildNetworkPolicies(false, question.Policies)
	answers := make([]Answer, 0, len(question.Traffic))
	for _, traffic := range question.Traffic {
		source, destination := ends[traffic.Source], ends[traffic.Destination]
		if source == nil || destination == nil {
			return fmt.Errorf("no peer is called %q or %q", traffic.Source, traffic.Destination)
		}
		result := walls.IsTrafficAllowed(&matcher.Traffic{
			Source: source, Destination: destination,
			ResolvedPort: traffic.Port, ResolvedPortName: traffic.PortName, Protocol: traffic.Protocol,
		})
		answers = append(answers, Answer{result.Ingress.IsAllowed(), result.Egress.IsAllowed(), result.IsAllowed()})
	}
	return json.NewEncoder(out).Encode(answers)
}

// understood refuses what Cyclonus v0.5.6 judges otherwise than Kubernetes does, so that no answer is ever wrong.
func understood(policy *networkingv1.NetworkPolicy) error {
	if policy.Namespace == "" {
		return fmt.Errorf("it has no namespace")
	}
	if len(policy.Spec.PolicyTypes) == 0 {
		return fmt.Errorf("it has no policyTypes; the API server would fill them in")
	}
	selectors := []*metav1.LabelSelector{&policy.Spec.PodSelector}
	var peers []networkingv1.NetworkPolicyPeer
	for _, rule := range policy.Spec.Ingress {
		peers = append(peers, rule.From...)
	}
	for _, rule := range policy.Spec.Egress {
		peers = append(peers, rule.To...)
	}
	for _, peer := range peers {
		selectors = append(selectors, peer.PodSelector, peer.NamespaceSelector)
	}
	for _, selector := range selectors {
		if selector == nil {
			continue
		}
		for key, value := range selector.MatchLabels {
			if value == "" {
				return fmt.Errorf("matchLabels %s is empty, which is taken for a missing label too", key)
			}
		}
		for _, term := range selector.MatchExpressions {
			if term.Operator == metav1.LabelSelectorOpNotIn {
				return fmt.Errorf("NotIn %s is taken for false where the label is missing", term.Key)
			}
		}
	}
	return nil
}
