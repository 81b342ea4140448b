"""Tests on real nodes: two kubelets with containerd, in network namespaces of their own (`python -m tests.node`).

In the order of a run:

1. `__main__`: says what the machine lacks (`machine.missing`), and runs pytest once for each group of tests, a folder
   here, in namespaces of its own, which end with it. What namespaces do not hold, control groups and a folder, it
   removes itself (`machine.tidy`).
2. `network.make_network`: the home network, in the namespace of the tests, which are thereby a neighbour there; then a
   `network.Host` a node: a machine's network, mounts and control groups, and nothing else yet.
3. `control_plane.start(nodes=...)`, shared with the other tiers: whole, in the first node's network, as on K3s.
4. `images.make`: an archive for every image that the manifests name, made from the programs in .tools/parts. `STANDINS`
   there says what is not the real program.
5. `node.Node`: containerd with those images, kubelet, kube-proxy and the network-policy program on a host.
6. `cluster.bring_up`: cluster DNS, then the stack's objects; over when everything is Ready.

What is then proven, in `home/` on the home stack: `test_ready` (everything runs, on both kubelets), `test_posture`
(processes against manifests), `test_walls` (packets against the published matrix, a control without walls, names),
`test_way_in` (the route table from cloudflared's pod), `test_rollouts` (no request is lost), `test_figures` (memory).

Nothing has a way out: the home network's router has no link to the machine's.
"""
