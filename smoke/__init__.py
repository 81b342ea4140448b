"""A check of a running platform from outside, for its owner: `python -m smoke`.

Owns the questions and what the answers mean. What should be there is decided in `manifests`, from the stack's own
files. It changes nothing: it sends GET requests, and starts `kubectl get` and `kubectl version`. It sends no
credentials, but for the Cloudflare token to Cloudflare.

- `checks/`: pure. What to ask, and what an answer means.
- `visitor`, `cluster`, `edge`: the only modules that reach out: HTTP and TLS, kubectl, Cloudflare's API.
- `run`: the command line.
"""
