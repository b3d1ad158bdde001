"""A droplet in a box: a real Debian 13 server with systemd, sshd, journald, Docker and PostgreSQL, for tests.

`python -m tests.droplet up` boots one; `README.md` beside this file tells the rest.
"""
