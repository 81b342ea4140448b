"""The tunnel: what Cloudflare is told, and how cloudflared runs in the cluster."""
