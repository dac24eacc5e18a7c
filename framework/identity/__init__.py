"""The edge to identity providers: OpenID Connect and GitHub, over httpx; joserfc checks id tokens.

Calls block on HTTP, on their caller's thread. What people may do afterwards is in people/.
"""
