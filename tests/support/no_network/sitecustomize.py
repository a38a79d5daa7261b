"""Python imports this at its start where this folder is on PYTHONPATH: from then on the network is off.

Whatever would leave this machine is written into the file that NETWORK_LOG names, and refused. An audit hook sees
every connection and look-up of Python's own sockets, in whatever library, and in child processes too. Unlike a
network namespace of Linux it works on every system for every user, and it tells what was tried.
"""

import ipaddress
import os
import sys

ADDRESS = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1, "socket.getnameinfo": 0}
NAME = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")


def turn_off(event, arguments):
    """The audit hook. Raises OSError for what would leave this machine."""
    if event in NAME:
        host = arguments[0]
    elif event in ADDRESS and isinstance(arguments[ADDRESS[event]], tuple):  # else a socket inside this machine
        host = arguments[ADDRESS[event]][0]
    else:
        return
    if not stays_here(host):
        with open(os.environ["NETWORK_LOG"], "a", encoding="utf-8") as log:
            log.write(f"{event} {host}\n")
        raise OSError("the network is off")


def stays_here(host):
    """Whether this is this machine's own name for itself."""
    host = host.decode() if isinstance(host, bytes) else host
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


sys.addaudithook(turn_off)
