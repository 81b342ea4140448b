"""One workspace in the cluster: its namespace, quota, defaults and walls."""
