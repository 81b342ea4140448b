"""Sign-in of a workspace: which OAuth2-Proxy guards which host, and how it and Dex are configured."""
