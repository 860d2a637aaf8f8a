/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reason: why a request was refused or a datagram dropped, one row each: the
 * name for logs and turnd_drops_total{reason}, the STUN error code (0: nothing
 * is answered) and a sentence for the operator.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_TURND_CORE_REASON_H
#define FLOE_TURND_CORE_REASON_H

/* clang-format off: a table */
#define TURN_REASONS(ROW)                                                    \
	ROW(TURN_OK, "ok", 0, "served")                                      \
	/* requests: answered with an error, RFC 8656 section 19 */          \
	ROW(TURN_TRY_ALTERNATE, "try_alternate", 300,                        \
	    "draining or full: the client is sent to alternate-server")      \
	ROW(TURN_NO_CREDENTIALS, "no_credentials", 401,                      \
	    "the first request of a client, before it knows the nonce")      \
	ROW(TURN_UNKNOWN_USER, "unknown_user", 401,                          \
	    "nobody has this name or USERHASH, and it is no REST name")      \
	ROW(TURN_WRONG_REALM, "wrong_realm", 401,                            \
	    "REALM is not that of the challenge")                            \
	ROW(TURN_WRONG_PASSWORD, "wrong_password", 401,                      \
	    "MESSAGE-INTEGRITY does not match")                              \
	ROW(TURN_CREDENTIAL_EXPIRED, "credential_expired", 401,              \
	    "the time in a REST name has passed")                            \
	ROW(TURN_TOKEN_KEY, "token_key", 401,                                \
	    "no oauth-key has the kid in USERNAME, or its time is over")     \
	ROW(TURN_BAD_TOKEN, "bad_token", 401,                                \
	    "ACCESS-TOKEN does not open with the key of its kid, for this "  \
	    "oauth-server")                                                  \
	ROW(TURN_TOKEN_EXPIRED, "token_expired", 401,                        \
	    "the time of ACCESS-TOKEN is over, or clocks are apart")         \
	ROW(TURN_INCOMPLETE_CREDENTIALS, "incomplete_credentials", 400,      \
	    "MESSAGE-INTEGRITY without USERNAME (or USERHASH), REALM or "    \
	    "NONCE")                                                         \
	ROW(TURN_BAD_ALGORITHM, "bad_algorithm", 400,                        \
	    "PASSWORD-ALGORITHM and PASSWORD-ALGORITHMS are not what the "   \
	    "challenge offered: a bid-down or a broken client")              \
	ROW(TURN_MISSING_ATTRIBUTE, "missing_attribute", 400,                \
	    "an attribute that the method needs is not there")               \
	ROW(TURN_BAD_ATTRIBUTE, "bad_attribute", 400,                        \
	    "an attribute has a malformed value")                            \
	ROW(TURN_BAD_CHANNEL, "bad_channel", 400,                            \
	    "the channel number is outside the allowed range")               \
	ROW(TURN_CHANNEL_IN_USE, "channel_in_use", 400,                      \
	    "the channel is bound to another peer")                          \
	ROW(TURN_PEER_IN_USE, "peer_in_use", 400,                            \
	    "the peer is bound to another channel")                          \
	ROW(TURN_NOT_STREAM, "not_stream", 400,                              \
	    "TCP allocations are for clients that come over TCP or TLS")     \
	ROW(TURN_UDP_ATTRIBUTE, "udp_attribute", 400,                        \
	    "EVEN-PORT, RESERVATION-TOKEN or DONT-FRAGMENT for a TCP "       \
	    "allocation")                                                    \
	ROW(TURN_NOT_TCP, "not_tcp", 400, "a Connect on a UDP allocation")   \
	ROW(TURN_NOT_UDP, "not_udp", 400,                                    \
	    "a ChannelBind or a Send indication on a TCP allocation")        \
	ROW(TURN_NO_CONNECTION, "no_connection", 400,                        \
	    "CONNECTION-ID names no connection that waits for its bind")     \
	ROW(TURN_BAD_TICKET, "bad_ticket", 400,                              \
	    "MOBILITY-TICKET is not ours or used up, or comes from the "     \
	    "5-tuple that the allocation is on")                             \
	ROW(TURN_PEER_DENIED, "peer_denied", 403,                            \
	    "a rule of allow-peer/deny-peer or a built-in one refuses it")   \
	ROW(TURN_CLIENT_TUNNELED, "client_tunneled", 403,                    \
	    "an Allocate from a 6to4 or Teredo address")                     \
	ROW(TURN_MOBILITY_FORBIDDEN, "mobility_forbidden", 405,              \
	    "MOBILITY-TICKET, but mobility = no")                            \
	ROW(TURN_UNKNOWN_ATTRIBUTE, "unknown_attribute", 420,                \
	    "a comprehension-required attribute is not supported")           \
	ROW(TURN_NO_ALLOCATION, "no_allocation", 437,                        \
	    "the method needs an allocation on this 5-tuple")                \
	ROW(TURN_ALLOCATION_EXISTS, "allocation_exists", 437,                \
	    "the 5-tuple has an allocation already")                         \
	ROW(TURN_STALE_NONCE, "stale_nonce", 438,                            \
	    "the nonce expired or was given to another address")             \
	ROW(TURN_FAMILY_UNSUPPORTED, "family_unsupported", 440,              \
	    "no relay-address of the requested address family")              \
	ROW(TURN_WRONG_USER, "wrong_user", 441,                              \
	    "the allocation belongs to another user")                        \
	ROW(TURN_TRANSPORT_UNSUPPORTED, "transport_unsupported", 442,        \
	    "neither UDP nor TCP, or TCP while max-connections is 0")        \
	ROW(TURN_PEER_FAMILY, "peer_family", 443,                            \
	    "the peer's address family is not the allocation's")             \
	ROW(TURN_CONN_EXISTS, "connection_exists", 446,                      \
	    "the allocation is connected to this peer already, or about to " \
	    "be")                                                            \
	ROW(TURN_CONNECT_REFUSED, "connect_refused", 447,                    \
	    "the peer or a firewall refused the connection")                 \
	ROW(TURN_CONNECT_TIMEOUT, "connect_timeout", 447,                    \
	    "the peer did not answer in time")                               \
	ROW(TURN_CONNECT_UNREACHABLE, "connect_unreachable", 447,            \
	    "there is no route to the peer")                                 \
	ROW(TURN_CONNECT_FAILED, "connect_failed", 447,                      \
	    "any other error of a connect")                                  \
	ROW(TURN_USER_QUOTA, "user_quota", 486,                              \
	    "the user has user-quota relayed addresses of this family")      \
	ROW(TURN_REALM_QUOTA, "realm_quota", 486,                            \
	    "the realm has realm-quota relayed addresses")                   \
	ROW(TURN_AUTH_PENDING, "auth_pending", 0,                            \
	    "the request waits until its user has been asked for")           \
	ROW(TURN_TOO_MANY_LOOKUPS, "too_many_lookups", 0,                    \
	    "its network, or all together, have asked for too many users "   \
	    "that are not known")                                            \
	ROW(TURN_USERS_UNAVAILABLE, "users_unavailable", 500,                \
	    "where users are kept cannot be asked")                          \
	ROW(TURN_OLD_OVER_DTLS, "old_over_dtls", 500,                        \
	    "a Binding request of RFC 3489 over DTLS")                       \
	ROW(TURN_DRAINING, "draining", 508,                                  \
	    "no new allocations, and no alternate-server of the client's "   \
	    "family")                                                        \
	ROW(TURN_NO_PORT, "no_port", 508, "no relay port is free")           \
	ROW(TURN_NO_SOCKET, "no_socket", 508,                                \
	    "the system gives no socket: its descriptor limit, or memory")   \
	ROW(TURN_NO_RESERVATION, "no_reservation", 508,                      \
	    "RESERVATION-TOKEN names no reserved port, or EVEN-PORT cannot " \
	    "be met")                                                        \
	ROW(TURN_FULL, "full", 508, "max-allocations are live")              \
	ROW(TURN_PEER_LIMIT, "peer_limit", 508,                              \
	    "the allocation has as many permissions or channels as allowed") \
	ROW(TURN_CONN_LIMIT, "connection_limit", 508,                        \
	    "the allocation has max-connections")                            \
	ROW(TURN_CONN_PENDING, "connection_pending_limit", 508,              \
	    "too many of the allocation's connections wait to be bound")     \
	ROW(TURN_CONN_FULL, "connection_full", 508,                          \
	    "tcp-relay-connections are live")                                \
	/* connections of peers: closed; those over a limit, too */          \
	ROW(TURN_CONN_NO_PERMISSION, "connection_no_permission", 0,          \
	    "a connection from a peer without a live permission")            \
	ROW(TURN_CONN_DENIED, "connection_denied", 0,                        \
	    "a connection from a peer that a rule refuses by now, or from "  \
	    "an own address that is no live relayed address")                \
	ROW(TURN_CONN_UNCLAIMED, "connection_unclaimed", 0,                  \
	    "a connection that no ConnectionBind came for in time")          \
	/* requests: dropped, not answered */                                \
	ROW(TURN_RATE_LIMITED, "rate_limited", 0,                            \
	    "a request without credentials over UDP from a network (/24, "   \
	    "/48) with more of them than rate-limit")                        \
	ROW(TURN_AUTH_BACKOFF, "auth_backoff", 0,                            \
	    "credentials after more wrong ones than auth-failures from the " \
	    "same address: not looked at for a while")                       \
	/* datagrams of clients: dropped */                                  \
	ROW(TURN_NOT_STUN, "not_stun", 0, "neither STUN nor ChannelData")    \
	ROW(TURN_NOT_DTLS, "not_dtls", 0,                                    \
	    "a datagram in the clear at a dtls:// listener")                 \
	ROW(TURN_MALFORMED, "malformed", 0,                                  \
	    "STUN or ChannelData that does not decode")                      \
	ROW(TURN_UNKNOWN_METHOD, "unknown_method", 0,                        \
	    "a method or class that a TURN server does not serve")           \
	ROW(TURN_SEND_NO_ALLOCATION, "send_no_allocation", 0,                \
	    "a Send indication without an allocation")                       \
	ROW(TURN_SEND_INCOMPLETE, "send_incomplete", 0,                      \
	    "a Send indication without peer or data, or with unknown "       \
	    "attributes")                                                    \
	ROW(TURN_SEND_DENIED, "send_denied", 0,                              \
	    "a Send indication to a peer that a rule refuses")               \
	ROW(TURN_SEND_NO_PERMISSION, "send_no_permission", 0,                \
	    "a Send indication to a peer without a live permission")         \
	ROW(TURN_CHANNEL_UNBOUND, "channel_unbound", 0,                      \
	    "ChannelData on a channel that is not bound")                    \
	ROW(TURN_CHANNEL_NO_PERMISSION, "channel_no_permission", 0,          \
	    "ChannelData on a channel whose permission has expired")         \
	ROW(TURN_PEER_GONE, "peer_gone", 0,                                  \
	    "data for an own address that is no live relayed address")       \
	ROW(TURN_TOO_MANY_ADDRESSES, "too_many_addresses", 0,                \
	    "allocations at as many addresses of this machine as a "         \
	    "listener on 0.0.0.0 or [::] tells apart")                       \
	ROW(TURN_ROAM_FULL, "roam_full", 0,                                  \
	    "more than the worker takes that keeps the allocation of a "     \
	    "client that moved")                                             \
	/* datagrams of both: dropped */                                     \
	ROW(TURN_BANDWIDTH, "bandwidth", 0,                                  \
	    "more than allocation-bandwidth, user-bandwidth or what the "    \
	    "user's record says")                                            \
	ROW(TURN_TOTAL_BANDWIDTH, "total_bandwidth", 0,                      \
	    "more than total-bandwidth of all allocations together")         \
	/* datagrams of peers: dropped */                                    \
	ROW(TURN_IN_NO_PERMISSION, "in_no_permission", 0,                    \
	    "data from a peer without a live permission")                    \
	ROW(TURN_IN_DENIED, "in_denied", 0,                                  \
	    "data from an own address that is no live relayed address")      \
	ROW(TURN_ICMP_UNWANTED, "icmp_unwanted", 0,                          \
	    "ICMP about a peer without a live permission, or of a type "     \
	    "that clients are not told")                                     \
	ROW(TURN_ICMP_LIMITED, "icmp_limited", 0,                            \
	    "more ICMP than an allocation's client is told")                 \
	ROW(TURN_TOO_LONG, "too_long", 0,                                    \
	    "a datagram longer than the relay handles")                      \
	/* sends that the kernel refused */                                  \
	ROW(TURN_CLIENT_SLOW, "client_slow", 0,                              \
	    "data for a client that does not read its TCP connection as "    \
	    "fast as it comes: the oldest goes")                             \
	ROW(TURN_SEND_UNREACHABLE, "send_unreachable", 0,                    \
	    "no route to the destination (EHOSTUNREACH, ENETUNREACH)")       \
	ROW(TURN_SEND_REFUSED, "send_refused", 0,                            \
	    "a pending ICMP error or a firewall (ECONNREFUSED, EPERM)")      \
	ROW(TURN_NO_ROOM, "no_room", 0,                                      \
	    "a socket's buffer was full when it came (see udp-buffer)")      \
	ROW(TURN_SEND_NO_BUFFER, "send_no_buffer", 0,                        \
	    "the socket buffer or the device queue is full")                 \
	ROW(TURN_SEND_TOO_BIG, "send_too_big", 0,                            \
	    "longer than the path takes (EMSGSIZE)")                         \
	ROW(TURN_SEND_FAILED, "send_failed", 0, "any other error of a send")
/* clang-format on */

#define TURN_REASON_ENUM(id, name, code, help) id,
enum turn_reason { TURN_REASONS(TURN_REASON_ENUM) TURN_REASON_COUNT };
#undef TURN_REASON_ENUM

struct turn_reason_info {
	const char *name;
	int code; /* of the STUN error response; 0: no response */
	const char *help;
};

const struct turn_reason_info *turn_reason_info(enum turn_reason);
/* The reason phrase of a STUN error code; static. */
const char *turn_code_phrase(int code);

#endif
