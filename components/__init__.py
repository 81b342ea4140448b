"""ComponentResources: each turns decisions of `spec` into resources and decides nothing itself."""
