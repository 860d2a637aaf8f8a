# SPDX-License-Identifier: BSD-3-Clause
"""
nat: the nftables rules that make a router one kind of NAT (RFC 4787 terms).

  none             no NAT at all: the client has a public address (lab.py)
  full-cone        endpoint-independent mapping and filtering
  restricted       endpoint-independent mapping, address-dependent filtering
  port-restricted  endpoint-independent mapping, port-dependent filtering
  address-mapped   address-dependent mapping, same filtering
  symmetric        a new random port for each destination, same filtering
  udp-blocked      TCP only
  only-https       TCP to port 443 only

The router's interfaces are called `lan` and `wan`.
"""

# Unsolicited packets die in the input chain of every kind.  If the router
# answered or only kept them, conntrack would remember the flow, and the
# client's own packet to the same peer would be moved to another port: the
# very collision that makes hole punching fail on careless test set-ups.
#
# Packets for somebody's private addresses are swallowed and not rejected:
# browsers send checks to the other side's private candidates at once, and an
# ICMP error that no real provider's router sends would end those early.
_COMMON = """
flush ruleset
define private = {{ 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 }}
table ip nat {{
    map mapped {{
        type inet_service : ipv4_addr
        flags dynamic,timeout
        timeout 5m
    }}
    set called {{
        type inet_service . ipv4_addr
        flags dynamic,timeout
        timeout 5m
    }}
    chain input {{
        type filter hook input priority filter; policy accept;
        iifname "wan" drop
    }}
    chain forward {{
        type filter hook forward priority filter; policy drop;
        ct state invalid drop
        iifname "lan" ip daddr $private drop
        {forward}
        iifname "lan" oifname "wan" accept
        iifname "wan" oifname "lan" ct state established,related accept
        iifname "wan" oifname "lan" ct status dnat accept
    }}
    chain prerouting {{
        type nat hook prerouting priority dstnat; policy accept;
        {prerouting}
    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        oifname "wan" {masquerade}
    }}
}}
"""

# Linux keeps the source port when it is free, which is what makes a plain
# masquerade endpoint-independent.  The full cone remembers who used a port and
# lets anybody in through it; the restricted one lets in who was called from it.
_KINDS = {
    "full-cone": dict(
        forward='iifname "lan" meta l4proto udp'
                ' update @mapped { udp sport : ip saddr }',
        prerouting='iifname "wan" meta l4proto udp'
                   ' dnat to udp dport map @mapped',
        masquerade="masquerade"),
    "restricted": dict(
        forward='iifname "lan" meta l4proto udp'
                ' update @mapped { udp sport : ip saddr }'
                ' update @called { udp sport . ip daddr }',
        prerouting='iifname "wan" udp dport . ip saddr @called'
                   ' dnat to udp dport map @mapped',
        masquerade="masquerade"),
    "port-restricted": dict(
        forward="", prerouting="", masquerade="masquerade"),
    # Within a range Linux gives a source the port that it has there already.
    "address-mapped": dict(
        forward="", prerouting="",
        masquerade="ip daddr & 0.0.0.1 == 0.0.0.0 meta l4proto udp"
                   " masquerade to :30000-39999\n"
                   '        oifname "wan" meta l4proto udp'
                   " masquerade to :40000-49999\n"
                   '        oifname "wan" masquerade'),
    "symmetric": dict(
        forward="", prerouting="",
        masquerade="masquerade random,fully-random"),
    "udp-blocked": dict(
        forward="meta l4proto udp drop",
        prerouting="", masquerade="masquerade"),
    "only-https": dict(
        forward='iifname "lan" meta l4proto != tcp drop;'
                ' iifname "lan" tcp dport != 443 drop',
        prerouting="", masquerade="masquerade"),
}

NONE = "none"
KINDS = (NONE, *_KINDS)


def rules(kind):
    """The ruleset of one kind of NAT, as nft -f reads it."""
    return _COMMON.format(**_KINDS[kind])
