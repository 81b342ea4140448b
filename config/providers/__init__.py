"""Identity providers, each with exactly the keys that Dex 2.45 reads for it.

Dex ignores keys it does not know, so a typo in an allow-list would fail open (security rule 19). Keys keep Dex's
spelling, except `clientId` (the rest of the file says it so) and secrets, which are references. `redirectURI` is set by
Warren. Keys that skip a check (`insecureSkipVerify`, ...) are missing on purpose (rule 21).
Source: the `Config` structs under `connector/` of dexidp/dex v2.45.1.
"""
