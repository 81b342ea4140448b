"""What it means: pure functions from `config` to Kubernetes objects, Cloudflare documents and the parts' own files."""
