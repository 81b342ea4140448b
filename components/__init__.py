"""ComponentResources: each turns decisions of `manifests` into resources and decides nothing itself."""
