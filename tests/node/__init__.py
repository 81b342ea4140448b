"""Tests on real nodes: real kubelets with containerd, in network namespaces of their own (`python -m tests.node`).

In the order of a run:

1. `__main__`: says what the machine lacks (`machine.missing`), and runs pytest once for each group of tests, a folder
   here, in namespaces of its own, which end with it. What namespaces do not hold, control groups and a folder, another
   process removes when it is over (`machine.leaving_nothing`).
2. `network.make_network`: the home network, in the namespace of the tests, which are thereby a neighbour there; then a
   `network.Host` a node: a machine's network, mounts and control groups, and nothing else yet.
3. `prepared.prepare`, once a run for every stack: the stack, rendered, and containerd's store with an image for every
   name that the manifests have (`images`), made from the programs in .tools/parts. `images.STANDINS` says what is not
   the real program.
4. `control_plane.start(nodes=...)`, shared with the other tiers: whole, in the first node's network, as on K3s.
5. `node.Node`: containerd with those images, kubelet, kube-proxy and the network-policy program on a host.
6. `cluster.bring_up`: cluster DNS, then the stack's objects; over when everything is Ready.

What is then proven:

- `home/`, the home stack on two nodes: `test_ready`, `test_posture` (processes against manifests; `posture`),
  `test_walls` (packets write the published files; `walls` who stands where, `tries` what is tried, `services` ways by
  Services, `proof` what groups share), `test_around_the_walls` (addresses of others, pings, old connections, rule 64),
  `test_names` (the C library in pods), `test_ipv6` (the rule of docs/nodes.md), `test_way_in` (the route table from
  cloudflared's pod), `test_figures` (the request path by Services, memory, from apply to Ready).
- `everything/`, the stack with every key on three nodes: posture, probes of each kind, the order of containers, jobs,
  volumes, files, evictions, changed files, autoscaling.
- `program/`: the engine brings the home stack up, changes, repairs and removes it, through `provider/`, which is the
  kubernetes stand-in connected to the run's cluster and to no other.
- `faults/` (roll-outs, bad neighbours, a full quota), `outages/` (a node dies, a drain) and `server/` (k3s away) on the
  small stack of `small`; `load` asks from where cloudflared stands, `operating` is what an operator does.
- `runs/`: starts runs from outside, ends and kills them, and looks at the machine before and after; uses what `keep`
  (`make cluster`) keeps.

Nothing has a way out: the home network's router has no link to the machine's.
"""
